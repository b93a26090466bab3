// Engine: reads of users, channels and waiting messages.

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/frame.h"
#include "store/engine.h"

namespace solec {

void Engine::Read(StoreRequest* request) {
  std::shared_lock lock(database_mutex_);
  StoreCompletion* const completion = &request->completion;
  reads_.fetch_add(1, std::memory_order_relaxed);
  if (database_ == nullptr) {  // it could not be opened anew, which was logged
    completion->status = StoreStatus::kFailed;
    return;
  }
  switch (request->kind) {
    case StoreRequestKind::kLoadUser:
      completion->status = LoadUser(request->name, &completion->value.emplace<UserRecord>());
      break;
    case StoreRequestKind::kLoadChannel:
      completion->status = LoadChannel(request->name, &completion->value.emplace<ChannelRecord>());
      break;
    case StoreRequestKind::kListUsers:
    case StoreRequestKind::kListChannels:
      completion->status = List(
          request->kind == StoreRequestKind::kListUsers ? StoreSpace::kUsers
                                                        : StoreSpace::kChannels,
          request->name, request->limit, &completion->value.emplace<std::vector<std::string>>());
      break;
    case StoreRequestKind::kReadWaiting:
      completion->status = ReadWaiting(request->name, request->after, request->limit,
                                       &completion->value.emplace<WaitingPage>());
      break;
    case StoreRequestKind::kReadSpool:
      completion->status = ReadSpool(request->name, request->after, request->limit,
                                     &completion->value.emplace<SpoolPage>());
      break;
    default:
      SOLEC_ASSERT(request->kind == StoreRequestKind::kReadHistory);
      completion->status = ReadHistory(request->query, &completion->value.emplace<HistoryPage>());
  }
  // Never a part of an answer for the whole.
  if (completion->status != StoreStatus::kDone) completion->value = std::monostate();
}

std::unique_ptr<rocksdb::Iterator> Engine::Scan(StoreSpace space, const rocksdb::Slice& begin,
                                                const rocksdb::Slice& end) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &begin;
  options.iterate_upper_bound = &end;
  return std::unique_ptr<rocksdb::Iterator>(
      (*database_)->NewIterator(options, database_->space(space)));
}

// --- users ---

StoreStatus Engine::LoadAccount(std::string_view name, std::string* value, uint64_t* since) {
  const StoreKey key = RowKey(name, kRowAccount);
  const rocksdb::Status read =
      (*database_)->Get({}, database_->space(StoreSpace::kUsers), ToSlice(key), value);
  if (read.IsNotFound()) return StoreStatus::kNotFound;
  if (!read.ok()) return ReadFailed(read, "a user's account");
  const std::optional<AccountValue> account = ParseAccount(*value);
  if (!account) return Damaged(StoreSpace::kUsers, key.view());
  *since = account->since;
  return StoreStatus::kDone;
}

StoreStatus Engine::LoadUser(std::string_view name, UserRecord* user) {
  // First the one row that every user has: of a name that nobody has, a filter in memory says so.
  std::string value;
  uint64_t since = 0;
  const StoreStatus loaded = LoadAccount(name, &value, &since);
  if (loaded != StoreStatus::kDone) return loaded;
  user->password_hash = ParseAccount(value)->password_hash;

  const StoreKey begin = OwnerBegin(name), end = OwnerEnd(name);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows = Scan(StoreSpace::kUsers, begin_slice, end_slice);
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const std::string_view key = ToView(rows->key()), row_value = ToView(rows->value());
    const std::optional<RowName> row = ParseRowKey(key);
    if (!row) return Damaged(StoreSpace::kUsers, key);
    if (row->kind == kRowContact) {
      if (row_value != "0" && row_value != "1") return Damaged(StoreSpace::kUsers, key);
      user->contacts.push_back({std::string(row->rest), row_value == "1"});
    } else if (row->kind == kRowJoined) {
      user->channels.emplace_back(row->rest);
    } else if (row->kind == kRowDelivered) {
      const std::optional<InboxMark> mark = ParseMark(row_value);
      if (!mark) return Damaged(StoreSpace::kUsers, key);
      user->delivered = *mark;
    } else if (row->kind != kRowAccount) {
      return Damaged(StoreSpace::kUsers, key);
    }
  }
  if (!rows->status().ok()) return ReadFailed(rows->status(), "a user");
  return LoadNewest(name, since, user);
}

// The newest entry of the inbox knows more than the row in users: with it came the mark of then.
StoreStatus Engine::LoadNewest(std::string_view name, uint64_t since, UserRecord* user) {
  const StoreKey begin = OwnerBegin(name), end = OwnerEnd(name);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> inbox = Scan(StoreSpace::kInbox, begin_slice, end_slice);
  inbox->SeekToLast();
  user->last = user->delivered;
  if (!inbox->Valid()) {
    return inbox->status().ok() ? StoreStatus::kDone : ReadFailed(inbox->status(), "an inbox");
  }
  const std::optional<uint64_t> position = PositionOfKey(ToView(inbox->key()));
  const std::optional<InboxValue> entry = ParseInbox(ToView(inbox->value()));
  if (!position || !entry) return Damaged(StoreSpace::kInbox, ToView(inbox->key()));
  if (*position <= since) return StoreStatus::kDone;  // an older account's
  if (*position <= cutoffs_->chats.load(std::memory_order_acquire)) {
    user->delivered = user->last = {*position, entry->bytes};  // all that waited was taken away
    return StoreStatus::kDone;
  }
  if (entry->delivered.position > user->delivered.position) user->delivered = entry->delivered;
  user->last = user->delivered;
  if (*position > user->last.position) user->last = {*position, entry->bytes};
  return StoreStatus::kDone;
}

// --- channels, lists ---

StoreStatus Engine::LoadChannel(std::string_view channel, ChannelRecord* record) {
  std::string value;
  const StoreKey settings = RowKey(channel, kRowSettings);
  const rocksdb::Status read =
      (*database_)->Get({}, database_->space(StoreSpace::kChannels), ToSlice(settings), &value);
  if (read.IsNotFound()) return StoreStatus::kNotFound;
  if (!read.ok()) return ReadFailed(read, "a channel");
  const StoreKey begin = RowKey(channel, kRowMember), end = RowKey(channel, kRowMember + 1);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows =
      Scan(StoreSpace::kChannels, begin_slice, end_slice);
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    record->members.emplace_back(ToView(rows->key()).substr(begin.size()));
  }
  return rows->status().ok() ? StoreStatus::kDone : ReadFailed(rows->status(), "a channel");
}

StoreStatus Engine::List(StoreSpace space, std::string_view after, uint64_t limit,
                         std::vector<std::string>* names) {
  // A name of any length may be asked for; none that is longer is there.
  constexpr size_t kNameMax = 512;
  after = after.substr(0, kNameMax);
  static_assert(kRowAccount == kRowSettings);
  const std::unique_ptr<rocksdb::Iterator> rows(
      (*database_)->NewIterator({}, database_->space(space)));
  if (after.empty()) {
    rows->SeekToFirst();
  } else {
    rows->Seek(ToSlice(OwnerEnd(after)));
  }
  while (rows->Valid() && names->size() < limit) {
    const std::optional<RowName> row = ParseRowKey(ToView(rows->key()));
    if (!row) return Damaged(space, ToView(rows->key()));
    const std::string name(row->owner);
    if (row->kind == kRowAccount) names->push_back(name);
    rows->Seek(ToSlice(OwnerEnd(name)));
  }
  return rows->status().ok() ? StoreStatus::kDone
                             : ReadFailed(rows->status(), StoreSpaceName(space));
}

// --- waiting messages ---

namespace {

// Appends the frames of a run that lie beyond `floor`; false once the page is full.
bool AppendFrames(Bytes frames, uint64_t first_position, uint64_t floor, uint64_t bytes_at_begin,
                  uint64_t bytes_max, WaitingPage* page) {
  Frame frame;
  uint64_t position = first_position, bytes = bytes_at_begin;
  for (; TakeFrame(&frames, &frame); ++position) {
    bytes += frame.bytes.size();
    if (position <= floor) continue;
    if (page->count > 0 && page->frames.size() + frame.bytes.size() > bytes_max) return false;
    page->frames += frame.text();
    ++page->count;
    page->up_to = {position, bytes};
  }
  return true;
}

}  // namespace

StoreStatus Engine::ReadWaiting(std::string_view user, uint64_t after, uint64_t bytes_max,
                                WaitingPage* page) {
  const uint64_t floor = std::max(after, cutoffs_->chats.load(std::memory_order_acquire));
  page->up_to.position = after;
  if (floor == UINT64_MAX) return StoreStatus::kDone;
  const StoreKey begin = RunKey(OwnerBegin(user), floor + 1), end = OwnerEnd(user);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> inbox = Scan(StoreSpace::kInbox, begin_slice, end_slice);
  rocksdb::PinnableSlice run_value;
  std::string buffer;  // of the frames of one run
  for (inbox->SeekToFirst(); inbox->Valid(); inbox->Next()) {
    const std::string_view key = ToView(inbox->key());
    const std::optional<uint64_t> position = PositionOfKey(key);
    const std::optional<InboxValue> entry = ParseInbox(ToView(inbox->value()));
    if (!position || !entry || entry->count > *position) return Damaged(StoreSpace::kInbox, key);
    if (page->count > 0 && page->frames.size() >= bytes_max) {
      page->more = true;
      return StoreStatus::kDone;
    }
    std::optional<RunValue> run;
    if (entry->is_inline) {
      run = RunOf(*entry, &buffer);
      if (!run) return Damaged(StoreSpace::kInbox, key);
    } else {
      const StoreKey run_key = RunKey(ChatBegin(user, entry->sender), *position);
      run_value.Reset();
      const rocksdb::Status read =
          (*database_)->Get({}, database_->space(StoreSpace::kChats), ToSlice(run_key), &run_value);
      if (read.IsNotFound() && *position <= cutoffs_->chats.load(std::memory_order_acquire)) {
        page->up_to = {*position, entry->bytes};  // retention took it meanwhile
        continue;
      }
      if (!read.ok() && !read.IsNotFound()) return ReadFailed(read, "waiting messages");
      if (read.ok()) run = ParseRun(ToView(run_value), &buffer);
      if (!run || run->count != entry->count) return Damaged(StoreSpace::kChats, run_key.view());
    }
    const Bytes frames = run->frames;
    if (entry->bytes < frames.size()) return Damaged(StoreSpace::kInbox, key);
    if (!AppendFrames(frames, *position - entry->count + 1, floor, entry->bytes - frames.size(),
                      bytes_max, page)) {
      page->more = true;
      return StoreStatus::kDone;
    }
  }
  return inbox->status().ok() ? StoreStatus::kDone
                              : ReadFailed(inbox->status(), "waiting messages");
}

// --- what goes wrong ---

StoreStatus Engine::ReadFailed(const rocksdb::Status& status, std::string_view what) {
  reads_failed_.fetch_add(1, std::memory_order_relaxed);
  Log(absl::StrCat("the store cannot read ", std::string(what), ": ", status.ToString()));
  return StoreStatus::kFailed;
}

StoreStatus Engine::Damaged(StoreSpace space, std::string_view key) {
  reads_failed_.fetch_add(1, std::memory_order_relaxed);
  Log(absl::StrCat("the store is damaged: the entry ", absl::CHexEscape(std::string(key)), " of ",
                   std::string(StoreSpaceName(space)), " is missing or not what it should be; ",
                   "see solec store check"));
  return StoreStatus::kFailed;
}

}  // namespace solec

// Engine: what writes do to the batch, and the commit.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/frame.h"
#include "store/engine.h"

namespace solec {

namespace {

// A row holds about so many bytes of frames: a longer run becomes several rows. Whoever reads the
// last hundred messages of a chat reads little more than those.
constexpr size_t kRowBytesMax = 64 << 10;

// The bytes of the frames that make up the next row, and their count; at least one frame.
size_t NextRow(Bytes frames, uint64_t* count) {
  size_t size = 0;
  *count = 0;
  while (size < frames.size()) {
    const size_t frame_size = FrameSizeAt(frames.subspan(size));
    SOLEC_ASSERT(frame_size != 0 && frame_size <= frames.size() - size);
    if (*count != 0 && size + frame_size > kRowBytesMax) break;
    size += frame_size;
    ++*count;
  }
  return size;
}

// The batch takes any key and value; what it can refuse (timestamps, a full batch) is not used.
void Must(const rocksdb::Status& status) {
  SOLEC_ASSERT(status.ok());
}

}  // namespace

// --- messages ---

Bytes Engine::TakeRow(Bytes* frames, uint64_t* count) {
  const size_t size = frames->size() <= kRowBytesMax ? frames->size() : NextRow(*frames, count);
  const Bytes row = frames->first(size);
  *frames = frames->subspan(size);
  return row;
}

StoreStatus Engine::AddDirect(const DirectRun& run, uint64_t* last_position) {
  SOLEC_ASSERT(run.bytes >= run.frames.size());
  if (!run.received.peer.empty()) {
    const StoreStatus marked = MarkReceived({&run.received, 1});
    if (marked != StoreStatus::kDone) return marked;
  }
  Bytes rest = run.frames;
  uint64_t rest_count = run.count, bytes = run.bytes - run.frames.size();
  while (rest_count > 0) {
    uint64_t count = rest_count;
    const Bytes frames = TakeRow(&rest, &count);
    rest_count -= count;
    bytes += frames.size();
    position_ += count;
    const std::string_view packed = PackRun(frames, count, &packed_);
    if (!run.waiting_only) PutChatRow(run.user, run.sender, packed);
    AddInbox(run, packed, count, bytes);
  }
  SOLEC_ASSERT(rest.empty());
  batch_messages_ += run.count;
  batch_message_bytes_ += run.frames.size();
  *last_position = position_;
  return StoreStatus::kDone;
}

void Engine::PutChatRow(std::string_view one, std::string_view other, std::string_view packed) {
  StoreKey key;
  key.Name(std::min(one, other)).Name(std::max(one, other)).Number(position_);
  Must(batch_.Put(database_->space(StoreSpace::kChats), ToSlice(key), ToSlice(packed)));
  chat_bytes_ += key.size() + packed.size();
}

void Engine::AddInbox(const DirectRun& run, std::string_view packed, uint64_t count,
                      uint64_t bytes) {
  ++batch_runs_;
  StoreKey key;
  key.Name(run.user).Number(position_);
  value_.clear();
  PutInboxHead(&value_, {.delivered = run.delivered,
                         .bytes = bytes,
                         .count = count,
                         .is_inline = run.waiting_only,
                         .sender = run.sender});
  const rocksdb::Slice key_part = ToSlice(key);
  const rocksdb::Slice parts[2] = {value_, ToSlice(packed)};
  Must(batch_.Put(database_->space(StoreSpace::kInbox), {&key_part, 1},
                  {parts, run.waiting_only ? 2 : 1}));
  chat_bytes_ += key.size() + value_.size() + (run.waiting_only ? packed.size() : 0);
}

StoreStatus Engine::AddChannel(const ChannelRun& run, uint64_t* last_position) {
  StoreStatus opened = OpenSpools(run.peers, run.frames.size(), run.count);
  if (opened == StoreStatus::kDone) opened = MarkReceived(run.received);
  if (opened != StoreStatus::kDone) return opened;
  Bytes rest = run.frames;
  for (uint64_t rest_count = run.count; rest_count > 0;) {
    uint64_t count = rest_count;
    const Bytes frames = TakeRow(&rest, &count);
    rest_count -= count;
    position_ += count;
    ++batch_runs_;
    StoreKey key;
    key.Name(run.channel).Number(position_);
    const std::string_view packed = PackRun(frames, count, &packed_);
    Must(batch_.Put(database_->space(StoreSpace::kPosts), ToSlice(key), ToSlice(packed)));
    post_bytes_ += key.size() + packed.size();
    // Each spool only refers to the row: it is stored once whatever the number of peers.
    for (SpoolEntry* entry : open_spools_) {
      PutSpoolRow(entry,
                  {.is_reference = true,
                   .count = count,
                   .position = position_,
                   .channel = run.channel},
                  frames);
    }
  }
  SOLEC_ASSERT(rest.empty());
  batch_messages_ += run.count;
  batch_message_bytes_ += run.frames.size();
  batch_spooled_ += run.count * open_spools_.size();
  *last_position = position_;
  return StoreStatus::kDone;
}

// --- users and channels ---

void Engine::PutRow(StoreSpace space, const StoreKey& key, std::string_view value) {
  Must(batch_.Put(database_->space(space), ToSlice(key), ToSlice(value)));
  pending_rows_.Put(space, key.view(), value);
}

void Engine::DeleteRow(StoreSpace space, const StoreKey& key) {
  Must(batch_.Delete(database_->space(space), ToSlice(key)));
  pending_rows_.Delete(space, key.view());
}

StoreStatus Engine::FindRow(StoreSpace space, const StoreKey& key, std::string* value) {
  switch (pending_rows_.Find(space, key.view(), value)) {
    case PendingRows::State::kPresent:
      return StoreStatus::kDone;
    case PendingRows::State::kAbsent:
      return StoreStatus::kNotFound;
    case PendingRows::State::kUnknown:
      break;
  }
  const rocksdb::Status read = (*database_)->Get({}, database_->space(space), ToSlice(key), value);
  if (read.ok()) return StoreStatus::kDone;
  if (read.IsNotFound()) return StoreStatus::kNotFound;
  return ReadFailed(read, StoreSpaceName(space));
}

StoreStatus Engine::Apply(const StoreRequest& request) {
  ++batch_records_;
  switch (request.kind) {
    case StoreRequestKind::kAddUser:
      return AddAccount(request);
    case StoreRequestKind::kSetPassword:
      return SetPassword(request);
    case StoreRequestKind::kRemoveUser:
    case StoreRequestKind::kPutContact:
    case StoreRequestKind::kRemoveContact:
    case StoreRequestKind::kPutJoined:
    case StoreRequestKind::kRemoveJoined:
    case StoreRequestKind::kSetDelivered:
      return ApplyToUser(request);
    case StoreRequestKind::kSetOutStream:
    case StoreRequestKind::kSetInStream:
    case StoreRequestKind::kTrimSpool:
    case StoreRequestKind::kLoadPeer:
    case StoreRequestKind::kForgetPeer:
      return ApplyToPeer(request);
    default:
      return ApplyToChannel(request);
  }
}

StoreStatus Engine::AddAccount(const StoreRequest& request) {
  const StoreKey key = RowKey(request.name, kRowAccount);
  std::string value;
  const StoreStatus found = FindRow(StoreSpace::kUsers, key, &value);
  if (found != StoreStatus::kNotFound) {
    return found == StoreStatus::kDone ? StoreStatus::kExists : found;
  }
  // What was kept for an older account of that name is not this one's.
  PutRow(StoreSpace::kUsers, key,
         EncodeAccount({.since = position_, .password_hash = request.text}));
  PutRow(StoreSpace::kUsers, RowKey(request.name, kRowDelivered),
         EncodeMark({.position = position_, .bytes = 0}));
  return StoreStatus::kDone;
}

StoreStatus Engine::SetPassword(const StoreRequest& request) {
  const StoreKey key = RowKey(request.name, kRowAccount);
  std::string value;
  const StoreStatus found = FindRow(StoreSpace::kUsers, key, &value);
  if (found != StoreStatus::kDone) return found;
  const std::optional<AccountValue> account = ParseAccount(value);
  if (!account) return Damaged(StoreSpace::kUsers, key.view());
  PutRow(StoreSpace::kUsers, key,
         EncodeAccount({.since = account->since, .password_hash = request.text}));
  return StoreStatus::kDone;
}

StoreStatus Engine::ApplyToUser(const StoreRequest& request) {
  std::string value;
  const StoreStatus found = FindRow(StoreSpace::kUsers, RowKey(request.name, kRowAccount), &value);
  if (found != StoreStatus::kDone) return found;
  switch (request.kind) {
    case StoreRequestKind::kRemoveUser: {
      const StoreKey begin = OwnerBegin(request.name), end = OwnerEnd(request.name);
      for (StoreSpace space : {StoreSpace::kUsers, StoreSpace::kInbox}) {
        Must(batch_.DeleteRange(database_->space(space), ToSlice(begin), ToSlice(end)));
      }
      pending_rows_.DeleteOwner(StoreSpace::kUsers, request.name);
      return StoreStatus::kDone;
    }
    case StoreRequestKind::kPutContact:
      PutRow(StoreSpace::kUsers, RowKey(request.name, kRowContact, request.text),
             request.agreed ? "1" : "0");
      return StoreStatus::kDone;
    case StoreRequestKind::kPutJoined:
      PutRow(StoreSpace::kUsers, RowKey(request.name, kRowJoined, request.text), "");
      return StoreStatus::kDone;
    case StoreRequestKind::kSetDelivered:
      PutRow(StoreSpace::kUsers, RowKey(request.name, kRowDelivered), EncodeMark(request.mark));
      return StoreStatus::kDone;
    default: {
      const bool contact = request.kind == StoreRequestKind::kRemoveContact;
      const StoreKey key = RowKey(request.name, contact ? kRowContact : kRowJoined, request.text);
      const StoreStatus row = FindRow(StoreSpace::kUsers, key, &value);
      if (row == StoreStatus::kDone) DeleteRow(StoreSpace::kUsers, key);
      return row;
    }
  }
}

StoreStatus Engine::ApplyToChannel(const StoreRequest& request) {
  const StoreKey settings = RowKey(request.name, kRowSettings);
  std::string value;
  const StoreStatus found = FindRow(StoreSpace::kChannels, settings, &value);
  if (request.kind == StoreRequestKind::kAddChannel) {
    if (found != StoreStatus::kNotFound) {
      return found == StoreStatus::kDone ? StoreStatus::kExists : found;
    }
    PutRow(StoreSpace::kChannels, settings, kSettingsValue);
    return StoreStatus::kDone;
  }
  if (found != StoreStatus::kDone) return found;
  switch (request.kind) {
    case StoreRequestKind::kRemoveChannel: {
      const StoreKey begin = OwnerBegin(request.name), end = OwnerEnd(request.name);
      for (StoreSpace space : {StoreSpace::kChannels, StoreSpace::kPosts}) {
        Must(batch_.DeleteRange(database_->space(space), ToSlice(begin), ToSlice(end)));
      }
      pending_rows_.DeleteOwner(StoreSpace::kChannels, request.name);
      return StoreStatus::kDone;
    }
    case StoreRequestKind::kPutMember:
      PutRow(StoreSpace::kChannels, RowKey(request.name, kRowMember, request.text), "");
      return StoreStatus::kDone;
    default: {
      SOLEC_ASSERT(request.kind == StoreRequestKind::kRemoveMember);
      const StoreKey key = RowKey(request.name, kRowMember, request.text);
      const StoreStatus row = FindRow(StoreSpace::kChannels, key, &value);
      if (row == StoreStatus::kDone) DeleteRow(StoreSpace::kChannels, key);
      return row;
    }
  }
}

// --- the commit ---

StoreStatus Engine::Commit() {
  PutPeerRows();
  if (batch_empty()) {
    EndBatch();
    return StoreStatus::kDone;
  }
  if (batch_messages_ > 0) {
    EncodeState({.position = position_, .chat_bytes = chat_bytes_, .post_bytes = post_bytes_},
                &value_);
    Must(batch_.Put(database_->space(StoreSpace::kMeta), ToSlice(kStateKey), value_));
    AddClockRow(batch_begin_);
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status written = (*database_)->Write(synced, &batch_);
  if (!written.ok()) {
    commits_failed_.fetch_add(1, std::memory_order_relaxed);
    Log(absl::StrCat("the store cannot write: ", written.ToString()));
    spools_.Drop();
    EndBatch();
    return IsNoSpace(written) ? StoreStatus::kFull : StoreStatus::kFailed;
  }
  const auto add = [](std::atomic<uint64_t>* figure, uint64_t count) {
    figure->store(figure->load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  };
  add(&commits_, 1);
  add(&messages_kept_, batch_messages_);
  add(&message_bytes_kept_, batch_message_bytes_);
  add(&runs_kept_, batch_runs_);
  add(&records_written_, batch_records_);
  add(&messages_spooled_, batch_spooled_);
  spools_.Commit(&owed_growth_);
  mark_->Write((*database_)->GetLatestSequenceNumber());
  if (batch_messages_ > 0) committed_position_.store(position_, std::memory_order_release);
  cutoffs_->chats.store(batch_cutoffs_.chats, std::memory_order_release);
  cutoffs_->posts.store(batch_cutoffs_.posts, std::memory_order_release);
  EndBatch();
  return StoreStatus::kDone;
}

void Engine::AddClockRow(const StateValue& state) {
  if (!retention_.IsRowDue(state, options_.now_ms())) return;
  retention_.AddRow({.position = state.position,
                     .time_ms = options_.now_ms(),
                     .chat_bytes = state.chat_bytes,
                     .post_bytes = state.post_bytes});
  const ClockRow& row = retention_.last_row();
  Must(batch_.Put(database_->space(StoreSpace::kMeta), ToSlice(ClockKey(row.position)),
                  EncodeClock(row)));
}

void Engine::ApplyRetention() {
  if (!retention_.is_limited()) return;
  const StateValue state{
      .position = position_, .chat_bytes = chat_bytes_, .post_bytes = post_bytes_};
  // What was written last grows old even if nothing comes behind it.
  if (batch_messages_ == 0) AddClockRow(state);
  const CutoffsValue cutoffs = retention_.Find(state, options_.now_ms(), batch_cutoffs_);
  chat_bytes_kept_.store(chat_bytes_ - retention_.ChatBytesAt(cutoffs.chats),
                         std::memory_order_relaxed);
  post_bytes_kept_.store(post_bytes_ - retention_.PostBytesAt(cutoffs.posts),
                         std::memory_order_relaxed);
  if (cutoffs == batch_cutoffs_) return;
  batch_cutoffs_ = cutoffs;
  rocksdb::ColumnFamilyHandle* const meta = database_->space(StoreSpace::kMeta);
  Must(batch_.Put(meta, ToSlice(kCutoffsKey), EncodeCutoffs(cutoffs)));
  chat_bytes_cut_.store(retention_.ChatBytesAt(cutoffs.chats), std::memory_order_relaxed);
  post_bytes_cut_.store(retention_.PostBytesAt(cutoffs.posts), std::memory_order_relaxed);
  for (uint64_t position : retention_.TakeOldRows(cutoffs)) {
    Must(batch_.Delete(meta, ToSlice(ClockKey(position))));
  }
}

void Engine::EndBatch() {
  batch_.Clear();
  pending_rows_.Clear();
  batch_messages_ = batch_message_bytes_ = batch_runs_ = batch_records_ = batch_spooled_ = 0;
  batch_cutoffs_ = {.chats = cutoffs_->chats.load(), .posts = cutoffs_->posts.load()};
  batch_begin_ = {.position = position_, .chat_bytes = chat_bytes_, .post_bytes = post_bytes_};
}

}  // namespace solec

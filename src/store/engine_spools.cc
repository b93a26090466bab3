// Engine: what is kept for peers and from them. What the writer knows of them is in spool_book.h.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/frame.h"
#include "store/engine.h"

namespace solec {

namespace {

// Rows of a spool that are given up are deleted together once they make up so much: until then
// the peer's row alone says so. (Each deletion of a range costs every read that comes after it.)
constexpr uint64_t kDeleteBytesMin = 1 << 20;

void Must(const rocksdb::Status& status) {
  SOLEC_ASSERT(status.ok());
}

}  // namespace

// --- what is known of a peer ---

StoreStatus Engine::OpenPeer(std::string_view peer, SpoolEntry** entry) {
  *entry = spools_.Find(peer);
  if (!(*entry)->is_stale) return StoreStatus::kDone;
  SpoolEntry::State state;
  StoreStatus read = ReadPeerRow(peer, &state.value);
  if (read != StoreStatus::kDone) return read;
  // Where nothing is left in the spool the row knows how far it was.
  state.last = state.value.trimmed;
  state.last_bytes = state.value.trimmed_bytes;
  const StoreKey begin = OwnerBegin(peer), end = OwnerEnd(peer);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows =
      Scan(StoreSpace::kSpools, begin_slice, end_slice);
  rows->SeekToLast();
  if (!rows->status().ok()) return ReadFailed(rows->status(), "a spool");
  if (rows->Valid()) {
    const std::optional<uint64_t> number = PositionOfKey(ToView(rows->key()));
    const std::optional<SpoolValue> row = ParseSpool(ToView(rows->value()));
    if (!number || !row) return Damaged(StoreSpace::kSpools, ToView(rows->key()));
    if (*number > state.last) {
      state.last = *number;
      state.last_bytes = row->bytes_up_to;
    }
  }
  SpoolBook::Load(*entry, std::move(state));
  return StoreStatus::kDone;
}

StoreStatus Engine::ReadPeerRow(std::string_view peer, PeerValue* value) {
  std::string text;
  const StoreKey key = PeerKey(peer);
  const rocksdb::Status read =
      (*database_)->Get({}, database_->space(StoreSpace::kMeta), ToSlice(key), &text);
  if (read.IsNotFound()) return StoreStatus::kDone;
  if (!read.ok()) return ReadFailed(read, "a peer");
  std::optional<PeerValue> parsed = ParsePeer(text);
  if (!parsed) return Damaged(StoreSpace::kMeta, key.view());
  *value = std::move(*parsed);
  return StoreStatus::kDone;
}

// --- what the batch does ---

bool Engine::HasSpoolRoom(const SpoolEntry& entry, uint64_t bytes) const {
  return bytes <= spool_bytes_max_ && entry.bytes() <= spool_bytes_max_ - bytes;
}

void Engine::PutSpoolRow(SpoolEntry* entry, const SpoolValue& value, Bytes frames) {
  spools_.Touch(entry, /*row=*/false);
  entry->AddGrowth(entry->now.last + 1, static_cast<uint32_t>(value.count), frames);
  entry->now.last += value.count;
  entry->now.last_bytes += frames.size();
  StoreKey key;
  key.Name(entry->peer).Number(entry->now.last);
  SpoolValue row = value;
  row.bytes = frames.size();
  row.bytes_up_to = entry->now.last_bytes;
  row.kept_ms = options_.now_ms();
  value_.clear();
  PutSpoolHead(&value_, row);
  const rocksdb::Slice key_part = ToSlice(key);
  const rocksdb::Slice parts[2] = {value_, ToSlice(row.run)};
  Must(batch_.Put(database_->space(StoreSpace::kSpools), {&key_part, 1},
                  {parts, row.is_reference ? 1 : 2}));
}

StoreStatus Engine::AddOutgoing(const OutgoingRun& run, uint64_t* last_position) {
  SpoolEntry* entry = nullptr;
  if (StoreStatus opened = OpenPeer(run.peer, &entry); opened != StoreStatus::kDone) return opened;
  if (!HasSpoolRoom(*entry, run.frames.size())) {
    spool_messages_refused_.fetch_add(run.count, std::memory_order_relaxed);
    return StoreStatus::kFull;
  }
  // A channel's history is with its own server.
  const bool to_user = !run.target.starts_with('#');
  Bytes rest = run.frames;
  for (uint64_t rest_count = run.count; rest_count > 0;) {
    uint64_t count = rest_count;
    const Bytes frames = TakeRow(&rest, &count);
    rest_count -= count;
    position_ += count;
    ++batch_runs_;
    const std::string_view packed = PackRun(frames, count, &packed_);
    if (to_user) PutChatRow(run.sender, run.target, packed);
    PutSpoolRow(entry, {.count = count, .run = packed}, frames);
  }
  SOLEC_ASSERT(rest.empty());
  batch_messages_ += run.count;
  batch_message_bytes_ += run.frames.size();
  batch_spooled_ += run.count;
  *last_position = position_;
  return StoreStatus::kDone;
}

// Those that have room for a channel's messages; what the others miss is counted.
StoreStatus Engine::OpenSpools(std::span<const std::string_view> peers, uint64_t bytes,
                               uint64_t count) {
  open_spools_.clear();
  for (std::string_view peer : peers) {
    SpoolEntry* entry = nullptr;
    if (StoreStatus opened = OpenPeer(peer, &entry); opened != StoreStatus::kDone) return opened;
    if (HasSpoolRoom(*entry, bytes)) {
      open_spools_.push_back(entry);
    } else {
      spool_messages_dropped_.fetch_add(count, std::memory_order_relaxed);
    }
  }
  return StoreStatus::kDone;
}

// So that Mark cannot fail.
StoreStatus Engine::OpenReceived(std::span<const ReceivedMessages> received) {
  for (const ReceivedMessages& messages : received) {
    SpoolEntry* entry = nullptr;
    const StoreStatus opened = OpenPeer(messages.peer, &entry);
    if (opened != StoreStatus::kDone) return opened;
  }
  return StoreStatus::kDone;
}

void Engine::Mark(const ReceivedMessages& messages) {
  SpoolEntry* const entry = spools_.Find(messages.peer);
  spools_.Touch(entry, /*row=*/true);
  MarkNumbers(messages.number, messages.count, &entry->now.value.in_held,
              &entry->now.value.in_early);
}

StoreStatus Engine::MarkReceived(std::span<const ReceivedMessages> received) {
  const StoreStatus opened = OpenReceived(received);
  if (opened != StoreStatus::kDone) return opened;
  for (const ReceivedMessages& messages : received) Mark(messages);
  return StoreStatus::kDone;
}

StoreStatus Engine::ApplyToPeer(const StoreRequest& request) {
  SpoolEntry* entry = nullptr;
  if (StoreStatus opened = OpenPeer(request.name, &entry); opened != StoreStatus::kDone) {
    return opened;
  }
  PeerValue& value = entry->now.value;
  switch (request.kind) {
    case StoreRequestKind::kSetOutStream:
      spools_.Touch(entry, /*row=*/true);
      value.out_stream = request.stream;
      value.out_base = request.base;
      return StoreStatus::kDone;
    case StoreRequestKind::kSetInStream:
      spools_.Touch(entry, /*row=*/true);
      value.in_stream = request.stream;
      value.in_held = 0;
      value.in_early.clear();
      return StoreStatus::kDone;
    case StoreRequestKind::kTrimSpool:
      return TrimSpool(entry, request.after);
    default:  // see FinishPeerRequest
      return StoreStatus::kDone;
  }
}

StoreStatus Engine::TrimSpool(SpoolEntry* entry, uint64_t up_to) {
  PeerValue& value = entry->now.value;
  // Only what was committed can have been delivered.
  up_to = std::min(up_to, entry->committed.last);
  if (up_to <= value.trimmed) return StoreStatus::kDone;
  uint64_t bytes = entry->committed.last_bytes;
  if (up_to != entry->committed.last) {
    const StoreKey begin = RunKey(OwnerBegin(entry->peer), up_to), end = OwnerEnd(entry->peer);
    const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
    const std::unique_ptr<rocksdb::Iterator> rows =
        Scan(StoreSpace::kSpools, begin_slice, end_slice);
    rows->SeekToFirst();
    if (!rows->status().ok()) return ReadFailed(rows->status(), "a spool");
    if (!rows->Valid()) return Damaged(StoreSpace::kSpools, begin.view());
    const std::optional<uint64_t> number = PositionOfKey(ToView(rows->key()));
    const std::optional<SpoolValue> row = ParseSpool(ToView(rows->value()));
    if (!number || !row) return Damaged(StoreSpace::kSpools, ToView(rows->key()));
    // Of a run that is not all given up the bytes still count.
    bytes = *number == up_to ? row->bytes_up_to : row->bytes_up_to - row->bytes;
  }
  spools_.Touch(entry, /*row=*/true);
  value.trimmed = up_to;
  value.trimmed_bytes = std::max(value.trimmed_bytes, bytes);
  if (value.trimmed_bytes - entry->deleted_bytes < kDeleteBytesMin) return StoreStatus::kDone;
  entry->deleted_bytes = value.trimmed_bytes;
  const StoreKey begin = OwnerBegin(entry->peer);
  const StoreKey end = RunKey(OwnerBegin(entry->peer), up_to + 1);
  Must(batch_.DeleteRange(database_->space(StoreSpace::kSpools), ToSlice(begin), ToSlice(end)));
  return StoreStatus::kDone;
}

void Engine::PutPeerRows() {
  for (const SpoolEntry* entry : spools_.batch()) {
    if (!entry->row_changed) continue;
    Must(batch_.Put(database_->space(StoreSpace::kMeta), ToSlice(PeerKey(entry->peer)),
                    EncodePeer(entry->now.value)));
  }
}

void Engine::FinishPeerRequest(StoreRequest* request) {
  SpoolEntry* const entry = spools_.Find(request->name);
  if (request->kind == StoreRequestKind::kLoadPeer) {
    entry->watcher = request->shard;
    request->completion.value = entry->Record();
  } else if (request->kind == StoreRequestKind::kForgetPeer && entry->watcher == request->shard) {
    entry->watcher.reset();
  }
}

// What was sent under a number since the copy was made is not known: every stream begins anew.
absl::Status Engine::ForgetOutStreams() {
  rocksdb::ColumnFamilyHandle* const meta = database_->space(StoreSpace::kMeta);
  const StoreKey begin = OwnerBegin(kPeerPrefix), end = OwnerEnd(kPeerPrefix);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows = Scan(StoreSpace::kMeta, begin_slice, end_slice);
  rocksdb::WriteBatch changes;
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    std::optional<PeerValue> peer = ParsePeer(ToView(rows->value()));
    if (!peer) {
      return absl::DataLossError(absl::StrCat("the store in ", options_.path,
                                              " is damaged: a peer's row cannot be read"));
    }
    peer->out_stream = 0;
    Must(changes.Put(meta, rows->key(), EncodePeer(*peer)));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status done = rows->status();
  if (done.ok()) done = (*database_)->Write(synced, &changes);
  if (done.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the store in ", options_.path,
                                             ", a copy, cannot be made ready: ", done.ToString()));
}

// --- reading ---

StoreStatus Engine::ReadSpool(std::string_view peer, uint64_t after, uint64_t bytes_max,
                              SpoolPage* page) {
  PeerValue value;
  if (StoreStatus read = ReadPeerRow(peer, &value); read != StoreStatus::kDone) return read;
  after = std::max(after, value.trimmed);
  if (after == UINT64_MAX) return StoreStatus::kDone;
  const StoreKey begin = RunKey(OwnerBegin(peer), after + 1), end = OwnerEnd(peer);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows =
      Scan(StoreSpace::kSpools, begin_slice, end_slice);
  std::string posts, buffer;
  uint64_t next = 0;  // the number that would go on with the page
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const std::string_view key = ToView(rows->key());
    const std::optional<uint64_t> last = PositionOfKey(key);
    const std::optional<SpoolValue> row = ParseSpool(ToView(rows->value()));
    if (!last || !row || row->count > *last) return Damaged(StoreSpace::kSpools, key);
    if (page->count > 0 && page->frames.size() >= bytes_max) {
      page->more = true;
      return StoreStatus::kDone;
    }
    Bytes frames;
    if (row->is_reference) {
      bool found = false;
      const StoreStatus read = ReadReference(*row, &posts, &buffer, &frames, &found);
      if (read != StoreStatus::kDone) return read;
      if (!found) continue;  // a gap: it has left the channel's history
    } else {
      const std::optional<RunValue> run = RunOf(*row, &buffer);
      if (!run) return Damaged(StoreSpace::kSpools, key);
      frames = run->frames;
    }
    uint64_t number = *last - row->count + 1;
    if (page->count > 0 && number != next) {
      page->more = true;
      return StoreStatus::kDone;
    }
    Frame frame;
    for (; TakeFrame(&frames, &frame); ++number) {
      if (number <= after) continue;
      if (page->count > 0 && page->frames.size() + frame.bytes.size() > bytes_max) {
        page->more = true;
        return StoreStatus::kDone;
      }
      if (page->count++ == 0) {
        page->first = number;
        const uint64_t now_ms = options_.now_ms();
        page->age_ms = now_ms - std::min(now_ms, row->kept_ms);
      }
      page->frames += frame.text();
    }
    next = number;
  }
  return rows->status().ok() ? StoreStatus::kDone : ReadFailed(rows->status(), "a spool");
}

StoreStatus Engine::ReadReference(const SpoolValue& row, std::string* value, std::string* buffer,
                                  Bytes* frames, bool* found) {
  *found = false;
  if (row.position <= cutoffs_->posts.load(std::memory_order_acquire)) return StoreStatus::kDone;
  const StoreKey key = RunKey(OwnerBegin(row.channel), row.position);
  const rocksdb::Status read =
      (*database_)->Get({}, database_->space(StoreSpace::kPosts), ToSlice(key), value);
  if (read.IsNotFound()) return StoreStatus::kDone;  // removed with its channel, or just expired
  if (!read.ok()) return ReadFailed(read, "a channel's history");
  const std::optional<RunValue> run = ParseRun(*value, buffer);
  if (!run || run->count != row.count) return Damaged(StoreSpace::kPosts, key.view());
  *frames = run->frames;
  *found = true;
  return StoreStatus::kDone;
}

}  // namespace solec

#include "store/store_writer.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "store/record_links.h"

namespace solec {

bool StoreWriter::RunCycle() {
  LookAtDisk();
  const auto shard_count = static_cast<uint32_t>(lanes_->size());
  lane_writes_.assign(shard_count, 0);
  lane_urgent_.assign(shard_count, 0);
  cut_short_ = false;
  engine_->SetSpoolBytesMax(shared_->spool_bytes_max.load(std::memory_order_relaxed));
  bool any = false;
  for (uint32_t i = 0; i < shard_count; ++i) {
    any |= TakeFrom((first_shard_ + i) % shard_count);
  }
  first_shard_ = (first_shard_ + 1) % shard_count;
  if (any && !broken_) engine_->ApplyRetention();
  if (!any && engine_->batch_empty() && engine_->owed_growth().empty()) return false;

  if (!engine_->batch_empty()) {
    const auto begin = std::chrono::steady_clock::now();
    const StoreStatus status = engine_->Commit();
    const auto took = static_cast<uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
    commit_ns_.fetch_add(took, std::memory_order_relaxed);
    commit_ns_max_.store(std::max(took, commit_ns_max_.load(std::memory_order_relaxed)),
                         std::memory_order_relaxed);
    if (status != StoreStatus::kDone) FailAll(status);
    any = true;
  }
  any |= TellOfGrowth();
  Finish();
  for (StoreRequest* read : reads_) shared_->to_reader.Add(read);
  if (!reads_.empty()) shared_->reader_bell.Ring(true);
  reads_.clear();
  for (uint32_t shard = 0; shard < shard_count; ++shard) Hand(shard);
  return any;
}

// What only the commit decides. After the growth of this batch was told: whoever watches from now
// on has it in its record.
void StoreWriter::Finish() {
  for (const LaneCompletion* completion : completions_) {
    StoreRequest* const request = completion->request;
    if (request == nullptr) continue;
    const bool loads = request->kind == StoreRequestKind::kLoadPeer;
    if ((loads && completion->status == StoreStatus::kDone) ||
        request->kind == StoreRequestKind::kForgetPeer) {
      engine_->FinishPeerRequest(request);
    }
  }
  completions_.clear();
}

bool StoreWriter::TellOfGrowth() {
  std::vector<SpoolEntry*>& owed = engine_->owed_growth();
  const size_t count = owed.size();
  std::erase_if(owed, [this](SpoolEntry* entry) {
    if (!drops_completions_ && entry->watcher && !TellOfGrowth(*entry)) return false;
    entry->owes_growth = false;
    entry->DropGrownFrames();
    return true;
  });
  return owed.size() != count;
}

bool StoreWriter::TellOfGrowth(const SpoolEntry& entry) {
  DiskLane* const lane = (*lanes_)[*entry.watcher].get();
  LaneCompletion growth;
  growth.peer_size = static_cast<uint16_t>(entry.peer.size());
  growth.last_position = entry.committed.last;
  const size_t head_size = sizeof(growth) + entry.peer.size();
  // Completions come first: what is not at hand can be read from the spool.
  const bool with_frames = entry.grown_count != 0 && lane->from_writer.HalfFree();
  const std::string_view frames = with_frames ? entry.grown_frames : std::string_view();
  if (with_frames) {
    growth.ticket.number = entry.grown_first;
    growth.ticket.count = entry.grown_count;
  }
  uint8_t* at = lane->from_writer.Reserve(head_size + frames.size());
  if (at == nullptr) {
    lane->blocked.exchange(true);  // as in NewCompletion
    at = lane->from_writer.Reserve(head_size + frames.size());
    if (at == nullptr) return false;
  }
  std::memcpy(at, &growth, sizeof(growth));
  entry.peer.copy(reinterpret_cast<char*>(at) + sizeof(growth), entry.peer.size());
  frames.copy(reinterpret_cast<char*>(at) + head_size, frames.size());
  lane_urgent_[*entry.watcher] = 1;
  return true;
}

bool StoreWriter::TakeFrom(uint32_t shard) {
  DiskLane* const lane = (*lanes_)[shard].get();
  bool any = false;
  size_t size = 0;
  for (;;) {
    if (engine_->batch_bytes() >= kCycleBytes) {
      cut_short_ = true;
      break;
    }
    const uint8_t* const record = lane->to_writer.Peek(&size);
    if (record == nullptr || !TakeRecord(record, size, shard)) break;
    lane->to_writer.Pop();
    any = true;
  }
  // What was taken is in the batch: its room is free before it is committed.
  lane->to_writer.Release();
  if (lane->starved.exchange(false)) options_.wake(shard);
  return any;
}

// nullptr if there is no room for it: then nothing may be taken.
LaneCompletion* StoreWriter::NewCompletion(uint32_t shard) {
  DiskLane* const lane = (*lanes_)[shard].get();
  uint8_t* slot = lane->from_writer.Reserve(sizeof(LaneCompletion));
  if (slot == nullptr) {
    if (drops_completions_) return &dropped_;
    // Said first, then looked again: see DiskPort::Poll.
    lane->blocked.exchange(true);
    slot = lane->from_writer.Reserve(sizeof(LaneCompletion));
    if (slot == nullptr) return nullptr;
  }
  completions_.push_back(new (slot) LaneCompletion);
  return completions_.back();
}

bool StoreWriter::TakeRecord(const uint8_t* record, size_t size, uint32_t shard) {
  RecordHead head;
  std::memcpy(&head, record, sizeof(head));
  if (head.kind == RecordHead::Kind::kRequest && !head.request->is_write()) {
    TakeRead(head.request);
    return true;
  }
  LaneCompletion* const completion = NewCompletion(shard);
  if (completion == nullptr) return false;
  lane_writes_[shard] = 1;
  if (head.kind == RecordHead::Kind::kRequest) {
    if (head.request->is_urgent()) lane_urgent_[shard] = 1;
    // Changes of users and channels are small: they still go into what is left for them when
    // messages are refused.
    completion->status = broken_ ? Refusal() : engine_->Apply(*head.request);
    completion->request = head.request;
    if (completion == &dropped_) delete head.request;
    return true;
  }
  std::unique_ptr<const std::string> large;
  if (head.kind == RecordHead::Kind::kLarge) {
    large.reset(head.large);
    record = reinterpret_cast<const uint8_t*>(large->data());
    size = large->size();
    (*lanes_)[shard]->large_bytes.fetch_sub(size, std::memory_order_release);
    std::memcpy(&head, record, sizeof(head));
  }
  if (head.ticket.number != 0 || head.links_size != 0) lane_urgent_[shard] = 1;
  KeepMessages(head, {record + sizeof(head), size - sizeof(head)}, completion);
  return true;
}

void StoreWriter::TakeRead(StoreRequest* request) {
  // It must see what its shard has written before; of that all but this cycle's is committed.
  if (lane_writes_[request->shard] != 0) {
    reads_.push_back(request);
    return;
  }
  shared_->to_reader.Add(request);
  shared_->reader_bell.Ring(true);
}

void StoreWriter::KeepMessages(const RecordHead& head, Bytes parts, LaneCompletion* completion) {
  completion->request = nullptr;
  completion->ticket = head.ticket;
  // The numbers of messages that are not kept are small, like a change of a user.
  const bool is_small = head.kind == RecordHead::Kind::kReceived && !broken_;
  if (const StoreStatus refusal = Refusal(); refusal != StoreStatus::kDone && !is_small) {
    completion->status = refusal;
    refused_.fetch_add(head.ticket.count, std::memory_order_relaxed);
    return;
  }
  const std::string_view owner = AsString(parts.first(head.owner_size));
  const std::string_view sender = AsString(parts.subspan(head.owner_size, head.sender_size));
  parts = parts.subspan(head.owner_size + size_t{head.sender_size});
  const std::string_view links = AsString(parts.first(head.links_size));
  const Bytes frames = parts.subspan(head.links_size);
  const uint32_t count = head.ticket.count;
  uint64_t* const last_position = &completion->last_position;
  switch (head.kind) {
    case RecordHead::Kind::kDirect:
      completion->status = engine_->AddDirect(
          {.user = owner,
           .sender = LocalForm(sender, options_.server_name),
           .frames = frames,
           .count = count,
           .delivered = head.delivered,
           .bytes = head.bytes,
           .waiting_only = head.waiting_only,
           .received = {.peer = links, .number = head.ticket.number, .count = count}},
          last_position);
      return;
    case RecordHead::Kind::kOutgoing:
      completion->status = engine_->AddOutgoing(
          {.peer = links, .sender = sender, .target = owner, .frames = frames, .count = count},
          last_position);
      return;
    case RecordHead::Kind::kChannel: {
      const RecordLinks unpacked = UnpackLinks(links);
      completion->status = engine_->AddChannel({.channel = owner,
                                                .frames = frames,
                                                .count = count,
                                                .peers = unpacked.peers,
                                                .received = unpacked.received},
                                               last_position);
      return;
    }
    default:
      SOLEC_ASSERT(head.kind == RecordHead::Kind::kReceived);
      completion->status = engine_->MarkReceived(UnpackLinks(links).received);
  }
}

// Nothing of the batch was kept, and so nothing that was said about it holds.
void StoreWriter::FailAll(StoreStatus status) {
  broken_ = true;
  if (status == StoreStatus::kFull) {
    SetFull(true);
  } else {
    failed_.store(true, std::memory_order_relaxed);
  }
  for (LaneCompletion* completion : completions_) {
    completion->status = status;
    if (completion->request == nullptr) {
      refused_.fetch_add(completion->ticket.count, std::memory_order_relaxed);
    }
  }
}

void StoreWriter::Hand(uint32_t shard) {
  DiskLane* const lane = (*lanes_)[shard].get();
  if (!lane->from_writer.Publish()) return;
  lane->queue_bytes.store(0, std::memory_order_relaxed);
  // What nobody waits for is seen at the shard's next turn, unless too much of it gathers.
  if (lane_urgent_[shard] != 0 || !lane->from_writer.HalfFree()) options_.wake(shard);
}

// --- when the disk is full, or fails ---

StoreStatus StoreWriter::Refusal() const {
  if (shared_->full.load(std::memory_order_relaxed)) return StoreStatus::kFull;
  return broken_ ? StoreStatus::kFailed : StoreStatus::kDone;
}

void StoreWriter::SetFull(bool full) {
  if (shared_->full.exchange(full) == full) return;
  options_.log(full ? "the store is full: new messages are refused until there is room on its disk"
                    : "the store has room again");
}

void StoreWriter::LookAtDisk() {
  const uint64_t now = options_.now_ms();
  if (now >= looked_ms_ && now - looked_ms_ < kLookAgainMs && looked_ms_ != 0) return;
  looked_ms_ = now;
  const uint64_t free_bytes = options_.free_bytes();
  free_bytes_.store(free_bytes, std::memory_order_relaxed);
  const bool has_space = free_bytes >= options_.free_space_min;
  if (!has_space) SetFull(true);
  if (broken_ && has_space && engine_->Reopen().ok()) {
    broken_ = false;
    failed_.store(false, std::memory_order_relaxed);
  }
  if (!broken_) {
    if (std::optional<HistoryLimits> limits = options_.take_limits(); limits) {
      engine_->SetHistoryLimits(*limits);
    }
    engine_->ApplyRetention();
  }
  // A little more than the least, so that it does not go to and fro.
  if (!broken_ && free_bytes >= options_.free_space_min + options_.free_space_min / 8) {
    SetFull(false);
  }
}

void StoreWriter::Figures(StoreFigures* figures) const {
  figures->messages_refused = refused_.load(std::memory_order_relaxed);
  figures->commit_ns = commit_ns_.load(std::memory_order_relaxed);
  figures->commit_ns_max = commit_ns_max_.load(std::memory_order_relaxed);
  figures->free_bytes = free_bytes_.load(std::memory_order_relaxed);
  figures->full = shared_->full.load(std::memory_order_relaxed);
  figures->failed = failed_.load(std::memory_order_relaxed);
}

}  // namespace solec

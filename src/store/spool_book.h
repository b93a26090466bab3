// What the disk store's writer knows of peers: how far each spool and stream is, as of the last
// commit and as of the batch under way. Owned by the engine; its writer's thread only. It holds one
// entry for each peer that was named since the database was opened.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/layout.h"
#include "store/peer_types.h"

namespace solec {

struct SpoolEntry {
  struct State {
    PeerValue value;          // the peer's row
    uint64_t last = 0;        // the number of the newest message
    uint64_t last_bytes = 0;  // of all frames that were ever put there, up to it
  };

  std::string peer;
  State committed, now;         // as of the last commit, and of the batch
  bool is_stale = false;        // the database was opened anew: both must be read again
  bool in_batch = false;        // `now` may differ from `committed`
  bool row_changed = false;     // and the peer's row is to be written
  uint64_t deleted_bytes = 0;   // the trimmed_bytes up to which rows were deleted
  std::optional<uint32_t> watcher;  // a shard

  // What the watcher is to be told: that there is more, and the frames as long as they are few.
  bool owes_growth = false;
  uint64_t grown_first = 0;
  uint32_t grown_count = 0;
  bool is_cut_short = false;  // not all frames are here
  std::string grown_frames;

  uint64_t bytes() const { return now.last_bytes - now.value.trimmed_bytes; }

  void AddGrowth(uint64_t first, uint32_t count, Bytes frames) {
    is_cut_short |= grown_frames.size() + frames.size() > kGrownBytesMax;
    if (!watcher || is_cut_short) return;
    if (grown_count == 0) grown_first = first;
    grown_count += count;
    grown_frames += AsString(frames);
  }
  void DropGrownFrames() {
    grown_first = grown_count = 0;
    grown_frames.clear();
    is_cut_short = false;
  }

  PeerRecord Record() const {
    const PeerValue& value = committed.value;
    return {.out_stream = value.out_stream,
            .out_base = value.out_base,
            .out_first = value.trimmed + 1,
            .out_last = committed.last,
            .out_bytes = committed.last_bytes - value.trimmed_bytes,
            .in_stream = value.in_stream,
            .in_held = value.in_held,
            .in_early = value.in_early};
  }

 private:
  static constexpr size_t kGrownBytesMax = 64 << 10;
};

class SpoolBook {
 public:
  // Made, and stale, if it is not there.
  SpoolEntry* Find(std::string_view peer) {
    auto found = entries_.find(peer);
    if (found == entries_.end()) {
      found = entries_.emplace(std::string(peer), std::make_unique<SpoolEntry>()).first;
      found->second->peer = peer;
      found->second->is_stale = true;
    }
    return found->second.get();
  }
  static void Load(SpoolEntry* entry, SpoolEntry::State state) {
    entry->deleted_bytes = state.value.trimmed_bytes;
    entry->committed = entry->now = std::move(state);
    entry->is_stale = false;
  }

  // The batch is about to change its `now`; `row`: what the peer's row says of it.
  void Touch(SpoolEntry* entry, bool row) {
    if (!entry->in_batch) batch_.push_back(entry);
    entry->in_batch = true;
    entry->row_changed |= row;
  }
  const std::vector<SpoolEntry*>& batch() const { return batch_; }

  // The batch was committed. Whose watcher is to be told, and was not owed it already, is added to
  // `owed`.
  void Commit(std::vector<SpoolEntry*>* owed) {
    for (SpoolEntry* entry : batch_) {
      const bool grew = entry->now.last != entry->committed.last;
      entry->committed = entry->now;
      if (!grew || !entry->watcher) entry->DropGrownFrames();
      else if (!std::exchange(entry->owes_growth, true)) owed->push_back(entry);
    }
    EndBatch();
  }
  // It was not.
  void Drop() {
    for (SpoolEntry* entry : batch_) {
      entry->now = entry->committed;
      entry->DropGrownFrames();
    }
    EndBatch();
  }
  // The database is opened anew, and may hold something else: a batch that failed may be there.
  void MakeStale() {
    Drop();
    for (const auto& [peer, entry] : entries_) entry->is_stale = true;
  }

 private:
  void EndBatch() {
    for (SpoolEntry* entry : batch_) entry->in_batch = entry->row_changed = false;
    batch_.clear();
  }

  // Pointers to entries stay what they are.
  std::map<std::string, std::unique_ptr<SpoolEntry>, std::less<>> entries_;
  std::vector<SpoolEntry*> batch_;
};

}  // namespace solec

// The spools and streams of a server without a disk: one for all shards' MemoryStores, because any
// shard's users write to any peer. Behind a mutex: messages between servers are not the hot path,
// and each holds it for a copy. Gone with the process.
//
// Any thread may call; it outlives the stores. Bounded: each spool in its bytes, all together in
// theirs.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "store/store.h"

namespace solec {

class MemorySpools {
 public:
  // `wake(shard)`: a spool that this shard watches has grown; any thread. `now_ms`: null for the
  // system's monotonic clock. `bytes_max`: of all spools together.
  MemorySpools(uint32_t shard_count, uint64_t bytes_max, std::function<void(uint32_t shard)> wake,
               std::function<uint64_t()> now_ms = nullptr);

  void SetBytesMax(uint64_t bytes);
  // What is kept; `shard` watches the spool from now on.
  PeerRecord Load(std::string_view peer, uint32_t shard);
  void Forget(std::string_view peer, uint32_t shard);
  void SetOutStream(std::string_view peer, uint64_t stream, uint64_t base);
  void SetInStream(std::string_view peer, uint64_t stream);
  // Called by `shard`, which need not be woken. False, with nothing changed, if that is too much.
  bool Append(std::string_view peer, Bytes first, Bytes second, uint32_t count, uint32_t shard);
  void Mark(const ReceivedMessages& messages);
  SpoolPage Read(std::string_view peer, uint64_t after, size_t bytes_max);
  void Trim(std::string_view peer, uint64_t up_to);

  bool HasGrowth(uint32_t shard) const {
    return watchers_[shard].has_growth.load(std::memory_order_acquire);
  }
  struct Growth {
    std::string peer;
    uint64_t last;
  };
  // What has grown since the last call, each peer once.
  std::vector<Growth> TakeGrowth(uint32_t shard);

  uint64_t ByteCount() const { return byte_count_.load(std::memory_order_relaxed); }
  // Messages of channels that a spool had no room for.
  uint64_t dropped_count() const { return dropped_.load(std::memory_order_relaxed); }
  void CountDropped(uint64_t count) { dropped_.fetch_add(count, std::memory_order_relaxed); }

 private:
  struct Run {
    uint64_t last;  // the number of its last message
    uint32_t count;
    uint64_t kept_ms;
    std::string frames;
  };
  struct Spool {
    PeerRecord record;  // out_bytes counts whole runs
    std::deque<Run> runs;
    std::optional<uint32_t> watcher;
    bool has_grown = false;  // and the watcher does not know yet
  };
  struct Watcher {
    std::atomic<bool> has_growth{false};
    std::vector<std::string> grown;  // peers; those of other watchers by now are skipped
  };

  Spool& Find(std::string_view peer);

  const std::function<void(uint32_t)> wake_;
  const std::function<uint64_t()> now_ms_;
  const uint64_t total_bytes_max_;
  const std::unique_ptr<Watcher[]> watchers_;
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> byte_count_{0};  // changed under mutex_
  std::mutex mutex_;                     // of all that follows
  std::map<std::string, Spool, std::less<>> spools_;
  uint64_t bytes_max_ = kUnlimited;
};

}  // namespace solec

// The store of a server with a data_dir: everything on disk, in RocksDB (docs/storage.md says how).
// What has completed is durable. One for the server, made before its shards and stopped after them.
//
// Three threads: the writer commits what all shards hand over, the reader reads, the compactor now
// and then rewrites tables from which retention has taken much away (RocksDB has two of its own).
// Each shard has a port, which never waits for either. Memory: the cache, the write buffers, and
// for each shard a ring of 4 MiB to the writer and one of 1 MiB back, used as far as they fill.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "store/store.h"
#include "store/store_figures.h"

namespace solec {

struct DiskStoreOptions {
  std::string path;         // the folder; made if it is missing
  std::string server_name;  // a store belongs to one server
  uint32_t shard_count = 1;
  uint64_t cache_bytes = 256 << 20;
  uint64_t write_buffer_bytes = 64 << 20;
  uint64_t commit_delay_ns = 5'000'000;  // how long what nobody waits for may wait for company
  uint64_t free_space_min = 64 << 20;    // with less room on the disk messages are refused
  HistoryLimits history;
  // Nothing touches the disk: tests and the simulation. `memory` is where it is then, so that a
  // second store opened with the same finds what the first left; null: MakeStoreMemory().
  bool in_memory = false;
  std::shared_ptr<void> memory;
  // All of these may be called by any thread of the store's.
  std::function<void(uint32_t shard)> wake;        // the shard has completions, or room
  std::function<void(std::string_view text)> log;  // errors and recoveries
  std::function<uint64_t()> now_ms;                // since 1970; null: the system's clock
  std::function<uint64_t()> free_bytes;            // of the disk; null: the system knows
};

// A disk in memory, for DiskStoreOptions::memory.
std::shared_ptr<void> MakeStoreMemory();

class Engine;
class DiskStoreThreads;

class DiskStore {
 public:
  // What is damaged, of a later version or another server's is refused and left as it is; the text
  // says which file, and what to do.
  static absl::StatusOr<std::unique_ptr<DiskStore>> Open(DiskStoreOptions options);
  // Without Stop: as if the process had been killed here, but for what the threads still finish.
  ~DiskStore();
  DiskStore(const DiskStore&) = delete;
  DiskStore& operator=(const DiskStore&) = delete;

  // The shard's port, for its thread; lives as long as the store.
  StorePort* port(uint32_t shard);

  // Starts the writer and the reader. Without them whoever drives the store (tests, the simulation)
  // calls the two below, on one thread.
  void StartThreads();
  bool RunWriter();  // one cycle; true if there was something to do
  bool RunReader();

  // Commits all that the shards have flushed, ends the threads, closes. After the shards have
  // stopped; what has not completed by then completes no more, and ports must not be used.
  void Stop();

  // A copy of the store as it is now, in a folder that must not exist yet. Any thread; the store
  // goes on meanwhile.
  absl::Status Backup(const std::string& folder);

  // New limits for histories; any thread. What they take away is gone.
  void SetHistoryLimits(const HistoryLimits& limits);

  // Gives the room of what retention has taken away back to the disk, as a thread of the store's
  // does now and then by itself. It takes long. Any thread.
  void Compact();

  // Any thread.
  StoreFigures figures() const;

 private:
  DiskStore() = default;
  std::unique_ptr<DiskStoreThreads> threads_;
};

}  // namespace solec

// The disk store's writing side: takes what the shards have handed over, commits it in one batch
// with one synchronization, and tells the shards. What comes meanwhile is the next batch, so the
// batches are as large as the disk is slow. Owned by DiskStore; one thread at a time runs it.
//
// Bounds: a cycle takes about kCycleBytes, and no record for whose completion there is no room.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/disk_lane.h"
#include "store/disk_port.h"
#include "store/engine.h"

namespace solec {

class StoreWriter {
 public:
  struct Options {
    std::string server_name;
    uint64_t free_space_min = 0;
    std::function<void(uint32_t shard)> wake;
    std::function<uint64_t()> now_ms;
    std::function<uint64_t()> free_bytes;  // of the disk; UINT64_MAX: unknown
    std::function<void(std::string_view)> log;
    std::function<std::optional<HistoryLimits>()> take_limits;  // new ones since the last call
  };

  StoreWriter(Engine* engine, std::vector<std::unique_ptr<DiskLane>>* lanes,
              DiskPort::Shared* shared, Options options)
      : engine_(engine), lanes_(lanes), shared_(shared), options_(std::move(options)) {}

  // One cycle; true if it took anything.
  bool RunCycle();

  // The last cycle ended at its bound: there is more, and nobody will ring for it.
  bool was_cut_short() const { return cut_short_; }

  // How long it may rest without work, in nanoseconds: while it cannot write as it should it looks
  // again soon, and else now and then, for histories grow old.
  uint64_t idle_timeout_ns() const {
    return (is_well() ? kLookWhenIdleMs : kLookAgainMs) * 1'000'000;
  }
  // From now on nobody takes completions: those that find no room are dropped.
  void DropCompletions() { drops_completions_ = true; }

  void Figures(StoreFigures* figures) const;

 private:
  static constexpr size_t kCycleBytes = 2 << 20;
  static constexpr uint64_t kLookAgainMs = 1'000, kLookWhenIdleMs = 60'000;

  bool is_well() const { return !broken_ && !shared_->full.load(std::memory_order_relaxed); }
  // Looks at the disk, and tries to recover, at most once in kLookAgainMs.
  void LookAtDisk();
  bool TakeFrom(uint32_t shard);
  bool TakeRecord(const uint8_t* record, size_t size, uint32_t shard);
  LaneCompletion* NewCompletion(uint32_t shard);
  void TakeRead(StoreRequest* request);
  // `parts`: what follows the head in its record.
  void KeepMessages(const RecordHead& head, Bytes parts, LaneCompletion* completion);
  void Finish();
  // Tells watchers that spools have grown; true if any was told. Whom there is no room to tell is
  // told later.
  bool TellOfGrowth();
  bool TellOfGrowth(const SpoolEntry& entry);
  void SetFull(bool full);
  // What messages are refused with now; kDone: they are not.
  StoreStatus Refusal() const;
  void FailAll(StoreStatus status);
  void Hand(uint32_t shard);

  Engine* const engine_;
  std::vector<std::unique_ptr<DiskLane>>* const lanes_;
  DiskPort::Shared* const shared_;
  const Options options_;
  uint32_t first_shard_ = 0;  // of the next cycle: each in its turn
  bool broken_ = false;       // a commit failed: the database must be opened anew
  uint64_t looked_ms_ = 0;    // when the disk was looked at last
  bool drops_completions_ = false;
  LaneCompletion dropped_;

  // Of this cycle.
  bool cut_short_ = false;
  std::vector<LaneCompletion*> completions_;  // in the lanes' rings, published after the commit
  std::vector<StoreRequest*> reads_;          // record reads that wait for the commit
  std::vector<uint8_t> lane_writes_;          // by shard: it has written something
  std::vector<uint8_t> lane_urgent_;          // by shard: somebody waits for something

  std::atomic<uint64_t> refused_{0}, commit_ns_{0}, commit_ns_max_{0}, free_bytes_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace solec

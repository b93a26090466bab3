// Which of one session's messages are settled: accepted or rejected. Messages are numbered from 1
// on as they come; they may be settled in any order (another shard or the store may answer later
// than this one), and Accepted names the last of the unbroken run.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_set.h"

namespace solec {

class Receipts {
 public:
  // Messages under way at once; beyond it the session is not read.
  static constexpr uint64_t kUnsettledMax = 16'384;

  // The number of the next message; Take() when it is really taken.
  uint64_t next() const { return taken_ + 1; }
  uint64_t Take() { return ++taken_; }
  bool full() const { return taken_ - settled_ >= kUnsettledMax; }

  // Settles `count` messages from `number` on.
  void Settle(uint64_t number, uint64_t count) {
    if (number == settled_ + 1 && early_.empty()) [[likely]] {
      settled_ += count;
      return;
    }
    for (uint64_t i = 0; i < count; ++i) early_.insert(number + i);
    while (early_.erase(settled_ + 1) != 0) ++settled_;
  }

  // All up to here are settled; what Accepted says.
  uint64_t settled() const { return settled_; }
  // What Accepted said last.
  uint64_t announced = 0;

 private:
  uint64_t taken_ = 0;
  uint64_t settled_ = 0;
  absl::flat_hash_set<uint64_t> early_;  // settled, but not all before them are
};

}  // namespace solec

// The one source of chance in a simulated run: the same seed gives the same run.
#pragma once

#include <cstdint>

namespace solec {

class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea and Flood, 2014).
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // From 0 up to `count` - 1; 0 if `count` is 0.
  uint64_t Below(uint64_t count) { return count == 0 ? 0 : Next() % count; }
  // From `low` up to `high`, both included.
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool Percent(uint64_t percent) { return Below(100) < percent; }

 private:
  uint64_t state_;
};

}  // namespace solec

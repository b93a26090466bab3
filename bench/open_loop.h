// When the messages of an open loop are due: at a given rate on average, at random moments (a
// Poisson process), as from many people who know nothing of each other. The times depend on the
// rate and the seed alone, never on how fast anything is answered. One thread.
#pragma once

#include <cmath>
#include <cstdint>

namespace solec {

class OpenLoopSchedule {
 public:
  // `rate`: messages per second, more than 0.
  OpenLoopSchedule(double rate, uint64_t start_ns, uint64_t seed)
      : gap_ns_(1e9 / rate), start_ns_(start_ns), state_(seed) {
    Step();
  }

  // When the next message is due.
  uint64_t due_ns() const { return start_ns_ + static_cast<uint64_t>(offset_ns_); }
  void Step() { offset_ns_ += -std::log(Uniform()) * gap_ns_; }

 private:
  // In (0, 1]; splitmix64 (Steele, Lea, Flood, 2014).
  double Uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return (static_cast<double>(z >> 11) + 1) * 0x1p-53;
  }

  double gap_ns_;
  uint64_t start_ns_;
  uint64_t state_;
  double offset_ns_ = 0;
};

}  // namespace solec

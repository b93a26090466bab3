// When a peer that could not be reached is dialled again: after a second, then twice as long each
// time, up to a limit; each time somewhere between half of it and all of it, so that servers that
// lost each other at one moment do not dial in step. Pure: time and randomness come in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace solec {

class Backoff {
 public:
  static constexpr uint64_t kFirstMs = 1'000;

  // The delay before the next try. `random`: any number.
  uint64_t NextMs(uint64_t max_ms, uint64_t random) {
    const uint64_t whole = std::min(delay_ms_, max_ms);
    delay_ms_ = std::min(delay_ms_ * 2, std::max(max_ms, kFirstMs));
    const uint64_t half = whole / 2;
    return half + random % (whole - half + 1);
  }

  // After a link that lasted.
  void Reset() { delay_ms_ = kFirstMs; }

 private:
  uint64_t delay_ms_ = kFirstMs;
};

}  // namespace solec

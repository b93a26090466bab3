// A moment on the steady clock until which something may take. Any thread; a value.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdint>
#include <string>

namespace solec {

// Milliseconds on a clock that never goes back; its zero means nothing.
inline int64_t SteadyNowMs() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// "10 s", "250 ms": for texts.
inline std::string TextOfMs(int64_t ms) {
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

class Deadline {
 public:
  // Passes `ms` from now; never if that is further away than the clock can tell.
  static Deadline In(int64_t ms) {
    const int64_t now_ms = SteadyNowMs();
    return Deadline(now_ms + std::clamp<int64_t>(ms, 0, INT64_MAX - now_ms));
  }
  // Passes never.
  static Deadline Never() { return Deadline(INT64_MAX); }

  bool Passed() const { return at_ms_ != INT64_MAX && SteadyNowMs() >= at_ms_; }

  Deadline OrEarlier(Deadline other) const { return Deadline(std::min(at_ms_, other.at_ms_)); }

  // What poll(2) takes: milliseconds that are left, rounded so that a wait of that long has passed
  // the deadline; -1 for never.
  int PollMs() const {
    if (at_ms_ == INT64_MAX) return -1;
    return static_cast<int>(std::clamp<int64_t>(at_ms_ - SteadyNowMs(), 0, INT_MAX));
  }

 private:
  explicit Deadline(int64_t at_ms) : at_ms_(at_ms) {}

  int64_t at_ms_;
};

}  // namespace solec

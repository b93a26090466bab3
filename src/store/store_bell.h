// How a thread of the store sleeps, and is woken only when there is need to: a wake-up costs the
// waker a system call. One thread waits; any thread rings.
//
// Work that is not urgent may wait a little for company (the delay): it wakes a thread that sleeps
// for good, which then naps, but not one that naps. As with the shards' mail (docs/decisions/0003)
// every step exchanges or changes one word, so that of two that meet one sees what the other did.
#pragma once

#include <atomic>
#include <cstdint>

namespace solec {

class StoreBell {
 public:
  // After the work has been made visible.
  void Ring(bool urgent) {
    const uint32_t before = word_.fetch_or(urgent ? kWork | kUrgent : kWork);
    const bool sleeps = (before & kAsleep) != 0 && (before & (kWork | kUrgent)) == 0;
    const bool naps = (before & kNapping) != 0 && urgent && (before & kUrgent) == 0;
    if (sleeps || naps) Wake();
  }

  // Returns when work has been rung for since the last call (the caller then looks at all places
  // where there may be some), at once if it is urgent, else `delay_ns` later, or when
  // `idle_timeout_ns` have passed without any (UINT64_MAX: never).
  void Wait(uint64_t delay_ns, uint64_t idle_timeout_ns);

 private:
  static constexpr uint32_t kWork = 1, kUrgent = 2, kNapping = 4, kAsleep = 8;

  void Nap(uint64_t delay_ns);
  void Wake();
  // Sleeps while the word is `expected`; false if the time has passed.
  bool SleepWhile(uint32_t expected, uint64_t deadline_ns);

  std::atomic<uint32_t> word_{0};
};

}  // namespace solec

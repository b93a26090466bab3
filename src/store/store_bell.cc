#include "store/store_bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace solec {

namespace {

uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t After(uint64_t ns) {
  return ns == UINT64_MAX ? UINT64_MAX : NowNs() + ns;
}

}  // namespace

void StoreBell::Wait(uint64_t delay_ns, uint64_t idle_timeout_ns) {
  uint64_t deadline = 0;
  for (;;) {
    const uint32_t rung = word_.exchange(0);
    if ((rung & kUrgent) != 0) return;
    if ((rung & kWork) != 0) return Nap(delay_ns);
    if (deadline == 0) deadline = After(idle_timeout_ns);
    const uint32_t before = word_.fetch_or(kAsleep);
    if (before == 0 && !SleepWhile(kAsleep, deadline)) {
      word_.exchange(0);
      return;
    }
  }
}

void StoreBell::Nap(uint64_t delay_ns) {
  const uint64_t deadline = After(delay_ns);
  uint32_t word = word_.fetch_or(kNapping) | kNapping;
  while ((word & kUrgent) == 0 && SleepWhile(word, deadline)) word = word_.load();
  word_.exchange(0);
}

void StoreBell::Wake() {
  static_assert(sizeof(word_) == sizeof(uint32_t));
  syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool StoreBell::SleepWhile(uint32_t expected, uint64_t deadline_ns) {
  timespec left{};
  if (deadline_ns != UINT64_MAX) {
    const uint64_t now = NowNs();
    if (now >= deadline_ns) return false;
    left.tv_sec = static_cast<time_t>((deadline_ns - now) / 1'000'000'000);
    left.tv_nsec = static_cast<long>((deadline_ns - now) % 1'000'000'000);
  }
  syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, expected,
          deadline_ns == UINT64_MAX ? nullptr : &left, nullptr, 0);
  return true;
}

}  // namespace solec

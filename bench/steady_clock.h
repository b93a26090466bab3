// The clock of all measurements here. Any thread.
#pragma once

#include <cstdint>
#include <ctime>

namespace solec {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

// CLOCK_MONOTONIC in nanoseconds: comparable between processes of one machine.
inline uint64_t SteadyNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace solec

// What the kernel's /proc says of a process: CPU time, memory. Read, not kept. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace solec {

struct ProcessStats {
  double cpu_seconds = 0;  // utime + stime of all its threads, in steps of 10 ms
  uint64_t resident_bytes = 0;
};

// kNotFound if there is no such process.
absl::StatusOr<ProcessStats> ReadProcessStats(pid_t pid);

// CPU time of this process, in nanoseconds' resolution.
double OwnCpuSeconds();

// Kernel memory in slabs, of the whole machine: sockets live there. 0 if /proc does not say.
uint64_t KernelSlabBytes();

}  // namespace solec

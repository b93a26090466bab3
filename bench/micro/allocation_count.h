// How often this program has allocated with operator new so far, on all threads; for benchmarks
// that claim not to.
#pragma once

#include <cstdint>

namespace solec {

uint64_t AllocationCount();

}  // namespace solec

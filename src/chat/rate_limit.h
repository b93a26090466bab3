// A token bucket: at most `per_second` in the long run, a second's worth at once. Pure; time comes
// in as a parameter.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/limits.h"

namespace solec {

class RateLimit {
 public:
  // Whether one more fits now; if so it is counted.
  bool Take(uint64_t per_second, uint64_t now_ns) {
    if (per_second == kUnlimited) return true;
    const uint64_t cost_ns = 1'000'000'000 / std::max<uint64_t>(per_second, 1);
    constexpr uint64_t kBurstNs = 1'000'000'000;
    full_at_ns_ = std::max(full_at_ns_, now_ns);  // the bucket fills up to a second's worth
    if (full_at_ns_ - now_ns + cost_ns > kBurstNs) return false;
    full_at_ns_ += cost_ns;
    return true;
  }

 private:
  uint64_t full_at_ns_ = 0;  // when the bucket would be full again
};

}  // namespace solec

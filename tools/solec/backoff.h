// How long to wait before each further try to connect: longer each time, and never the same for
// two programs that lost the same server. Pure; one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace solec {

class Backoff {
 public:
  static constexpr int kTriesMax = 12;
  static constexpr int64_t kFirstMs = 500;
  static constexpr int64_t kLongestMs = 30'000;

  // The wait before the next try, from half of its nominal length to all of it as `random` has it;
  // nothing once all tries are used up.
  std::optional<int64_t> Next(uint32_t random) {
    if (tries_ == kTriesMax) return std::nullopt;
    const int64_t nominal = std::min(kLongestMs, kFirstMs << tries_);
    ++tries_;
    return nominal / 2 + static_cast<int64_t>(random) * (nominal / 2) / int64_t{UINT32_MAX};
  }

  // A connection stood.
  void Reset() { tries_ = 0; }

  int tries() const { return tries_; }

 private:
  int tries_ = 0;
};

}  // namespace solec

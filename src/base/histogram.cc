#include "base/histogram.h"

#include <algorithm>
#include <cmath>

namespace solec {

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBucketCount; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::Percentile(double percent) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(static_cast<double>(count_) * percent / 100);
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::max(wanted, 1.0)), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < kBucketCount; ++i) {
    seen += counts_[i];
    if (seen >= rank) return i + 1 == kBucketCount ? max_ : std::min(High(i), max_);
  }
  return max_;
}

}  // namespace solec

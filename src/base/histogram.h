// A histogram of times in nanoseconds, log-linear: each power of two is cut into 64 equal buckets,
// so a percentile is at most 1.6 % above the time that was recorded, from nanoseconds to minutes.
// Owned by one thread; recording costs a few instructions and allocates nothing. To sum up several
// threads, merge copies that they publish.
//
// Bounded: 18 KB whatever is recorded. Times above kValueMax (18 minutes) share the last bucket;
// max() is exact all the same.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace solec {

class Histogram {
 public:
  static constexpr uint64_t kValueMax = (uint64_t{1} << 40) - 1;

  void Record(uint64_t value, uint64_t times = 1) {
    counts_[Index(value)] += times;
    count_ += times;
    sum_ += value * times;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
  }

  void Merge(const Histogram& other);
  void Reset() { *this = Histogram(); }

  uint64_t count() const { return count_; }
  // Exact; 0 if nothing was recorded.
  uint64_t min() const { return count_ == 0 ? 0 : min_; }
  uint64_t max() const { return max_; }
  uint64_t mean() const { return count_ == 0 ? 0 : sum_ / count_; }

  // The smallest time that `percent` of all recorded times do not exceed (99.9: all but a
  // thousandth), rounded up to the end of its bucket but never past max(). 0 if nothing was
  // recorded. Linear in the number of buckets: for reports.
  uint64_t Percentile(double percent) const;

  // Calls visit(low, high, count) for each bucket that is not empty, in rising order; its times are
  // at least `low` and at most `high`.
  template <class Visit>
  void ForEachBucket(Visit&& visit) const {
    for (size_t i = 0; i < kBucketCount; ++i) {
      if (counts_[i] != 0) visit(Low(i), High(i), counts_[i]);
    }
  }

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr uint64_t kSubCount = uint64_t{1} << kSubBits;
  // The first two powers' worth are exact: 0 to 127. Then kSubCount for each further power.
  static constexpr size_t kBucketCount = kSubCount * (std::bit_width(kValueMax) - kSubBits + 1);

  static size_t Index(uint64_t value) {
    if (value > kValueMax) value = kValueMax;
    const uint64_t shift = std::bit_width(value | (2 * kSubCount - 1)) - kSubBits - 1;
    return (shift << kSubBits) + (value >> shift);
  }
  static uint64_t Low(size_t index) {
    if (index < 2 * kSubCount) return index;
    const uint64_t shift = (index >> kSubBits) - 1;
    return (index - (shift << kSubBits)) << shift;
  }
  static uint64_t High(size_t index) { return Low(index + 1) - 1; }

  std::array<uint64_t, kBucketCount> counts_{};
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
};

}  // namespace solec

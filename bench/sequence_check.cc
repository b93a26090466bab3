#include "bench/sequence_check.h"

#include <algorithm>

namespace solec {

void SequenceCheck::TakeUnexpected(uint64_t number) {
  if (number > highest_) {
    missing_ += number - highest_ - 1;
    if (gaps_.size() < kGapsMax) gaps_.push_back({highest_ + 1, number - 1});
    highest_ = number;
    return;
  }
  const auto gap = std::find_if(gaps_.begin(), gaps_.end(), [number](const Gap& each) {
    return each.first <= number && number <= each.last;
  });
  if (gap == gaps_.end()) {
    ++doubled_;
    return;
  }
  ++reordered_;
  --missing_;
  const Gap upper{number + 1, gap->last};
  gap->last = number - 1;
  const bool lower_left = gap->first <= gap->last;
  if (upper.first > upper.last) {
    if (!lower_left) gaps_.erase(gap);
  } else if (!lower_left) {
    *gap = upper;
  } else {
    gaps_.insert(gap + 1, upper);
  }
}

}  // namespace solec

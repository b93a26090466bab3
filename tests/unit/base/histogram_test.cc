#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace solec {
namespace {

TEST(Histogram, HoldsNothingAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0u);
  EXPECT_EQ(histogram.Percentile(50), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 0; value < 128; ++value) histogram.Record(value);
  uint64_t next = 0;
  histogram.ForEachBucket([&](uint64_t low, uint64_t high, uint64_t count) {
    EXPECT_EQ(low, next);
    EXPECT_EQ(high, next);
    EXPECT_EQ(count, 1u);
    ++next;
  });
  EXPECT_EQ(next, 128u);
  EXPECT_EQ(histogram.Percentile(50), 63u);
  EXPECT_EQ(histogram.Percentile(100), 127u);
}

TEST(Histogram, EveryBucketHoldsWhatItSaysAndIsNarrow) {
  for (uint64_t power = 1; power <= Histogram::kValueMax / 2; power *= 2) {
    for (const uint64_t value : {power - 1, power, power + power / 3, 2 * power - 1}) {
      Histogram histogram;
      histogram.Record(value);
      histogram.ForEachBucket([&](uint64_t low, uint64_t high, uint64_t count) {
        EXPECT_EQ(count, 1u);
        EXPECT_LE(low, value);
        EXPECT_GE(high, value);
        EXPECT_LE(high - low, value / 64);
      });
    }
  }
}

TEST(Histogram, PercentilesAreWithinTheBucketOfTheSortedTruth) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> times(10, 2);
  std::vector<uint64_t> truth;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    truth.push_back(static_cast<uint64_t>(times(random)));
    histogram.Record(truth.back());
  }
  std::sort(truth.begin(), truth.end());
  for (const double percent : {0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(20'000 * percent / 100));
    const uint64_t exact = truth[rank - 1];
    EXPECT_GE(histogram.Percentile(percent), exact) << percent;
    EXPECT_LE(histogram.Percentile(percent), exact + exact / 64) << percent;
  }
  EXPECT_EQ(histogram.min(), truth.front());
  EXPECT_EQ(histogram.max(), truth.back());
  EXPECT_EQ(histogram.Percentile(100), truth.back());
}

TEST(Histogram, MergedIsTheSameAsRecordedTogether) {
  Histogram low, high, together;
  for (uint64_t value = 1; value < 1'000'000; value = value * 3 + 1) {
    low.Record(value, 2);
    high.Record(value * 1000);
    together.Record(value, 2);
    together.Record(value * 1000);
  }
  low.Merge(high);
  EXPECT_EQ(low.count(), together.count());
  EXPECT_EQ(low.min(), together.min());
  EXPECT_EQ(low.max(), together.max());
  EXPECT_EQ(low.mean(), together.mean());
  for (double percent = 0; percent <= 100; percent += 2.5) {
    EXPECT_EQ(low.Percentile(percent), together.Percentile(percent)) << percent;
  }
}

TEST(Histogram, MergingAnEmptyOneChangesNothing) {
  Histogram histogram;
  histogram.Record(7);
  histogram.Merge(Histogram());
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.min(), 7u);
  EXPECT_EQ(histogram.max(), 7u);
}

TEST(Histogram, ValuesBeyondTheLastBucketKeepTheirMaximum) {
  Histogram histogram;
  histogram.Record(5);
  histogram.Record(UINT64_MAX / 4);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.Percentile(50), 5u);
  EXPECT_EQ(histogram.Percentile(100), UINT64_MAX / 4);
  EXPECT_EQ(histogram.max(), UINT64_MAX / 4);
}

TEST(Histogram, ResetForgetsEverything) {
  Histogram histogram;
  histogram.Record(1'000, 5);
  histogram.Reset();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  histogram.ForEachBucket([](uint64_t, uint64_t, uint64_t) { FAIL(); });
}

}  // namespace
}  // namespace solec

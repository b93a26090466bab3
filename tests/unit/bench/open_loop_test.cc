#include "bench/open_loop.h"

#include <gtest/gtest.h>

#include <vector>

namespace solec {
namespace {

std::vector<uint64_t> FirstDue(double rate, uint64_t start_ns, uint64_t seed, size_t count) {
  OpenLoopSchedule schedule(rate, start_ns, seed);
  std::vector<uint64_t> due;
  for (size_t i = 0; i < count; ++i) {
    due.push_back(schedule.due_ns());
    schedule.Step();
  }
  return due;
}

TEST(OpenLoopSchedule, KeepsTheRateOnAverage) {
  constexpr size_t kCount = 100'000;
  constexpr double kRate = 50'000;
  const std::vector<uint64_t> due = FirstDue(kRate, 0, 1, kCount);
  // The sum of n gaps deviates by sqrt(n) gaps; five of those.
  EXPECT_NEAR(static_cast<double>(due.back()) / 1e9, kCount / kRate, 5 * 316 / kRate);
}

TEST(OpenLoopSchedule, ComesAtRandomMoments) {
  constexpr size_t kCount = 100'000;
  const std::vector<uint64_t> due = FirstDue(1e6, 0, 1, kCount);  // a gap of 1 us on average
  size_t short_gaps = 0;
  for (size_t i = 1; i < kCount; ++i) short_gaps += due[i] - due[i - 1] < 693 ? 1 : 0;
  // Half of a Poisson process's gaps are below ln 2 of the average.
  EXPECT_NEAR(static_cast<double>(short_gaps) / kCount, 0.5, 0.01);
}

TEST(OpenLoopSchedule, NeverRunsBackwardsAndNeverStartsEarly) {
  const std::vector<uint64_t> due = FirstDue(2e8, 1'000, 3, 10'000);
  uint64_t last = 1'000;
  for (uint64_t each : due) {
    EXPECT_GE(each, last);
    last = each;
  }
}

TEST(OpenLoopSchedule, DependsOnTheSeedAlone) {
  EXPECT_EQ(FirstDue(1'000, 5, 7, 100), FirstDue(1'000, 5, 7, 100));
  EXPECT_NE(FirstDue(1'000, 5, 7, 100), FirstDue(1'000, 5, 8, 100));
}

}  // namespace
}  // namespace solec

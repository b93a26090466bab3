// When a peer is dialled again.

#include "link/backoff.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(Backoff, DoublesFromASecondUpToTheLimitAndBeginsAgainAfterAReset) {
  Backoff backoff;
  const uint64_t all = UINT64_MAX;  // any `random` gives something within the bounds
  for (const uint64_t whole : {1'000u, 2'000u, 4'000u, 8'000u, 10'000u, 10'000u}) {
    const uint64_t delay = backoff.NextMs(10'000, all);
    EXPECT_GE(delay, whole / 2);
    EXPECT_LE(delay, whole);
  }
  backoff.Reset();
  EXPECT_LE(backoff.NextMs(10'000, all), 1'000u);
}

TEST(Backoff, UsesTheWholeUpperHalfOfTheDelay) {
  for (uint64_t random = 0; random <= 500; ++random) {
    Backoff backoff;
    EXPECT_EQ(backoff.NextMs(60'000, random), 500 + random);
  }
}

TEST(Backoff, StaysBelowALimitThatIsShorterThanTheFirstDelay) {
  Backoff backoff;
  for (uint64_t i = 0; i < 10; ++i) {
    const uint64_t delay = backoff.NextMs(100, i * 7);
    EXPECT_GE(delay, 50u);
    EXPECT_LE(delay, 100u);
  }
}

}  // namespace
}  // namespace solec

#include "chat/rate_limit.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

int TakeAll(RateLimit* rate, uint64_t per_second, uint64_t now_ns) {
  int taken = 0;
  while (taken < 5'000 && rate->Take(per_second, now_ns)) ++taken;
  return taken;
}

TEST(RateLimit, ASecondsWorthFitsAtOnceAndNoMore) {
  for (const int per_second : {1, 2, 3, 7, 10, 999, 1'000}) {
    RateLimit rate;
    EXPECT_EQ(TakeAll(&rate, static_cast<uint64_t>(per_second), 5 * kSecond), per_second);
    EXPECT_FALSE(rate.Take(static_cast<uint64_t>(per_second), 5 * kSecond));
  }
}

TEST(RateLimit, RoomComesBackWithTime) {
  RateLimit rate;
  EXPECT_EQ(TakeAll(&rate, 10, 0), 10);
  EXPECT_FALSE(rate.Take(10, kSecond / 10 - 1));
  EXPECT_TRUE(rate.Take(10, kSecond / 10));
  EXPECT_FALSE(rate.Take(10, kSecond / 10));
  EXPECT_EQ(TakeAll(&rate, 10, kSecond), 9);
}

TEST(RateLimit, NoMoreThanASecondsWorthIsSavedUp) {
  RateLimit rate;
  TakeAll(&rate, 10, 0);
  EXPECT_EQ(TakeAll(&rate, 10, 3'600 * kSecond), 10);
}

TEST(RateLimit, UnlimitedAlwaysTakesAndCountsNothing) {
  RateLimit rate;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(rate.Take(kUnlimited, 0));
  EXPECT_EQ(TakeAll(&rate, 5, 0), 5);
}

TEST(RateLimit, OverALongTimeNoMoreThanTheRatePasses) {
  const uint64_t seed = Seed(51);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  constexpr uint64_t kPerSecond = 37;
  RateLimit rate;
  uint64_t taken = 0, now = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += random() % (kSecond / 50);
    taken += rate.Take(kPerSecond, now);
  }
  EXPECT_LE(taken, kPerSecond * (now / kSecond + 2));
  EXPECT_GE(taken, kPerSecond * (now / kSecond - 1)) << "demand was always higher";
}

}  // namespace
}  // namespace solec

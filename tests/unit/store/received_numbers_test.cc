#include "store/received_numbers.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

using Ranges = std::vector<NumberRange>;

TEST(ReceivedNumbers, WhatFollowsWhatIsHeldIsHeldAndTheRestIsEarly) {
  uint64_t held = 0;
  Ranges early;
  MarkNumbers(2, 1, &held, &early);
  EXPECT_EQ(held, 0u);
  EXPECT_EQ(early, (Ranges{{2, 2}}));
  MarkNumbers(5, 2, &held, &early);
  MarkNumbers(3, 1, &held, &early);
  EXPECT_EQ(early, (Ranges{{2, 3}, {5, 6}}));
  MarkNumbers(1, 1, &held, &early);
  EXPECT_EQ(held, 3u);
  EXPECT_EQ(early, (Ranges{{5, 6}}));
  MarkNumbers(1, 4, &held, &early);
  EXPECT_EQ(held, 6u);
  EXPECT_TRUE(early.empty());
  MarkNumbers(2, 3, &held, &early);
  EXPECT_EQ(held, 6u) << "it came before";
  EXPECT_TRUE(early.empty());
}

// After every step, against the set of all numbers.
TEST(ReceivedNumbers, TheyAreThoseOfASetWhateverComesWhen) {
  const uint64_t seed = Seed(531);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    uint64_t held = 0;
    Ranges early;
    std::set<uint64_t> numbers;
    for (int step = 0; step < 60; ++step) {
      const uint64_t first = 1 + random() % 80, count = random() % 6;
      MarkNumbers(first, count, &held, &early);
      for (uint64_t i = 0; i < count; ++i) numbers.insert(first + i);
      std::set<uint64_t> marked;
      for (uint64_t n = 1; n <= held; ++n) marked.insert(n);
      uint64_t last = held;
      for (const NumberRange& range : early) {
        ASSERT_GT(range.first, last + 1) << "ranges that touch are one";
        ASSERT_GE(range.last, range.first);
        for (uint64_t n = range.first; n <= range.last; ++n) marked.insert(n);
        last = range.last;
      }
      ASSERT_EQ(marked, numbers);
    }
  }
}

}  // namespace
}  // namespace solec

#include "chat/receipts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

TEST(Receipts, TheFirstMessageHasTheNumberOne) {
  Receipts receipts;
  EXPECT_EQ(receipts.next(), 1u);
  EXPECT_EQ(receipts.Take(), 1u);
  EXPECT_EQ(receipts.Take(), 2u);
  EXPECT_EQ(receipts.settled(), 0u);
}

TEST(Receipts, SettledIsTheEndOfTheUnbrokenRun) {
  Receipts receipts;
  for (int i = 0; i < 6; ++i) receipts.Take();
  receipts.Settle(3, 1);
  receipts.Settle(5, 2);
  EXPECT_EQ(receipts.settled(), 0u);
  receipts.Settle(1, 1);
  EXPECT_EQ(receipts.settled(), 1u);
  receipts.Settle(2, 1);
  EXPECT_EQ(receipts.settled(), 3u);
  receipts.Settle(4, 1);
  EXPECT_EQ(receipts.settled(), 6u);
}

TEST(Receipts, AreFullAtTheBoundAndNoLongerOnceTheFirstIsSettled) {
  Receipts receipts;
  for (uint64_t i = 0; i < Receipts::kUnsettledMax; ++i) {
    ASSERT_FALSE(receipts.full());
    receipts.Take();
  }
  EXPECT_TRUE(receipts.full());
  receipts.Settle(2, 1);
  EXPECT_TRUE(receipts.full()) << "the oldest still waits";
  receipts.Settle(1, 1);
  EXPECT_FALSE(receipts.full());
}

TEST(Receipts, AgreeWithANaiveModelInAnyOrderAndAnyRuns) {
  for (uint64_t seed = Seed(61), end = seed + 20; seed < end; ++seed) {
    SCOPED_TRACE(RepeatWith(seed));
    std::mt19937_64 random(seed);
    struct Run {
      uint64_t number, count;
    };
    Receipts receipts;
    std::vector<Run> runs;
    for (uint64_t number = 1; number <= 2'000;) {
      const uint64_t count = 1 + random() % 5;
      for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(receipts.Take(), number + i);
      runs.push_back({number, count});
      number += count;
    }
    // Shuffled within windows, as answers from several shards are.
    for (size_t at = 0; at < runs.size(); at += 50) {
      const auto from = runs.begin() + static_cast<ptrdiff_t>(at);
      std::shuffle(from, from + static_cast<ptrdiff_t>(std::min<size_t>(50, runs.size() - at)),
                   random);
    }
    std::vector<bool> settled(receipts.next() + 1, false);
    uint64_t expected = 0;
    for (const Run& run : runs) {
      receipts.Settle(run.number, run.count);
      for (uint64_t i = 0; i < run.count; ++i) settled[run.number + i] = true;
      while (settled[expected + 1]) ++expected;
      ASSERT_EQ(receipts.settled(), expected);
    }
    EXPECT_EQ(receipts.settled() + 1, receipts.next());
  }
}

}  // namespace
}  // namespace solec

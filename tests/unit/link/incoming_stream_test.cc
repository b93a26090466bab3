// The numbers of a peer's stream: taken in order, settled in any, and none twice.

#include "link/incoming_stream.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "unit/base/seed.h"

namespace solec {
namespace {

TEST(IncomingStream, AcceptsAllUpToTheFirstThatIsNotHeld) {
  IncomingStream stream;
  stream.Begin(7);
  for (uint64_t number = 8; number <= 12; ++number) {
    EXPECT_EQ(stream.next(), number);
    EXPECT_TRUE(stream.Take());
  }
  stream.Settle(10, 2, true);
  EXPECT_EQ(stream.held(), 7u);
  stream.Settle(8, 1, true);
  EXPECT_EQ(stream.held(), 8u);
  stream.Settle(9, 1, true);
  EXPECT_EQ(stream.held(), 11u);
  EXPECT_FALSE(stream.quiet());
  stream.Settle(12, 1, true);
  EXPECT_EQ(stream.held(), 12u);
  EXPECT_TRUE(stream.quiet());
}

TEST(IncomingStream, SkipsWhatIsHeldWhenItComesAgain) {
  IncomingStream stream;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(stream.Take());
  stream.Settle(2, 2, true);
  stream.Settle(1, 1, false);  // the store could not keep it
  stream.Settle(4, 2, false);
  EXPECT_EQ(stream.held(), 0u);
  stream.Restart();
  const bool news[] = {true, false, false, true, true};
  for (const bool is_new : news) EXPECT_EQ(stream.Take(), is_new);
  stream.Settle(1, 1, true);
  stream.Settle(4, 2, true);
  EXPECT_EQ(stream.held(), 5u);
}

TEST(IncomingStream, IsFullWhenTooManyAreUnderWay) {
  IncomingStream stream;
  for (uint64_t i = 0; i < IncomingStream::kUnsettledMax; ++i) stream.Take();
  EXPECT_TRUE(stream.full());
  stream.Settle(1, 1, true);
  EXPECT_FALSE(stream.full());
}

// Against a set of numbers, with cuts between.
TEST(IncomingStream, IsAsASetOfNumbersWouldBe) {
  const uint64_t seed = Seed(1);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    IncomingStream stream;
    std::set<uint64_t> held;
    auto held_up_to = [&] {
      uint64_t up_to = 0;
      while (held.contains(up_to + 1)) ++up_to;
      return up_to;
    };
    for (uint64_t i = 0; i < random() % 4; ++i) {
      const uint64_t first = 1 + random() % 40, last = first + random() % 10;
      stream.AddHeld(first, last);
      for (uint64_t number = first; number <= last; ++number) held.insert(number);
    }
    stream.Restart();
    for (int cut = 0; cut < 6; ++cut) {
      std::vector<std::pair<uint64_t, uint64_t>> under_way;  // first, count
      for (uint64_t i = random() % 30; i > 0; --i) {
        const uint64_t number = stream.next();
        ASSERT_EQ(stream.Take(), !held.contains(number)) << number;
        if (held.contains(number)) continue;
        if (!under_way.empty() && under_way.back().first + under_way.back().second == number &&
            random() % 2 == 0) {
          ++under_way.back().second;
        } else {
          under_way.push_back({number, 1});
        }
      }
      while (!under_way.empty()) {
        const size_t index = random() % under_way.size();
        const auto [first, count] = under_way[index];
        under_way.erase(under_way.begin() + static_cast<ptrdiff_t>(index));
        const bool keep = random() % 4 != 0;
        stream.Settle(first, count, keep);
        for (uint64_t i = 0; keep && i < count; ++i) held.insert(first + i);
        ASSERT_EQ(stream.held(), held_up_to());
        ASSERT_EQ(stream.quiet(), under_way.empty());
      }
      stream.Restart();
    }
  }
}

}  // namespace
}  // namespace solec

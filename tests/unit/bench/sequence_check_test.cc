#include "bench/sequence_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace solec {
namespace {

SequenceCheck After(std::initializer_list<uint64_t> numbers) {
  SequenceCheck check;
  for (uint64_t number : numbers) check.Take(number);
  return check;
}

TEST(SequenceCheck, FindsNothingWrongWithRisingNumbers) {
  const SequenceCheck check = After({1, 2, 3});
  EXPECT_EQ(check.highest(), 3u);
  EXPECT_EQ(check.LostOf(3), 0u);
  EXPECT_EQ(check.doubled(), 0u);
  EXPECT_EQ(check.reordered(), 0u);
}

TEST(SequenceCheck, CountsWhatNeverCameAsLost) {
  EXPECT_EQ(After({}).LostOf(7), 7u);
  EXPECT_EQ(After({1, 2}).LostOf(5), 3u);        // at the end
  EXPECT_EQ(After({3}).LostOf(3), 2u);           // at the beginning
  EXPECT_EQ(After({1, 4, 5, 8}).LostOf(9), 5u);  // in between, twice, and at the end
}

TEST(SequenceCheck, CountsASecondCopyAsDoubled) {
  const SequenceCheck check = After({1, 2, 2, 3, 1});
  EXPECT_EQ(check.doubled(), 2u);
  EXPECT_EQ(check.reordered(), 0u);
  EXPECT_EQ(check.LostOf(3), 0u);
}

TEST(SequenceCheck, CountsWhatComesLateAsReorderedAndNotLost) {
  const SequenceCheck check = After({1, 3, 2, 4});
  EXPECT_EQ(check.reordered(), 1u);
  EXPECT_EQ(check.doubled(), 0u);
  EXPECT_EQ(check.LostOf(4), 0u);
}

TEST(SequenceCheck, CountsASecondCopyOfALateOneAsDoubled) {
  const SequenceCheck check = After({1, 3, 2, 2});
  EXPECT_EQ(check.reordered(), 1u);
  EXPECT_EQ(check.doubled(), 1u);
}

TEST(SequenceCheck, FillsAGapFromTheMiddle) {
  const SequenceCheck check = After({1, 7, 4, 3, 5, 2, 6, 4});
  EXPECT_EQ(check.reordered(), 5u);
  EXPECT_EQ(check.doubled(), 1u);
  EXPECT_EQ(check.LostOf(7), 0u);
}

TEST(SequenceCheck, CountsNumberZeroAsDoubled) {  // nobody sends it
  EXPECT_EQ(After({0}).doubled(), 1u);
}

// Against the plain definition, with numbers dropped, doubled and moved at random.
TEST(SequenceCheck, AgreesWithASetOfAllNumbers) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    constexpr uint64_t kSent = 100;
    std::vector<uint64_t> numbers;
    for (uint64_t number = 1; number <= kSent; ++number) {
      const uint64_t copies = random() % 8 == 0 ? 0 : random() % 8 == 0 ? 2 : 1;
      numbers.insert(numbers.end(), copies, number);
    }
    for (int i = 0; i < 20 && numbers.size() > 1; ++i) {
      std::swap(numbers[random() % numbers.size()], numbers[random() % numbers.size()]);
    }
    SequenceCheck check;
    std::set<uint64_t> seen;
    uint64_t highest = 0, doubled = 0, reordered = 0;
    for (uint64_t number : numbers) {
      check.Take(number);
      if (!seen.insert(number).second)
        ++doubled;
      else if (number < highest)
        ++reordered;
      highest = std::max(highest, number);
    }
    EXPECT_EQ(check.highest(), highest);
    EXPECT_EQ(check.doubled(), doubled);
    EXPECT_EQ(check.reordered(), reordered);
    EXPECT_EQ(check.LostOf(kSent), kSent - seen.size());
  }
}

}  // namespace
}  // namespace solec

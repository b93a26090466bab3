#include "base/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <set>
#include <string>

namespace solec {
namespace {

constexpr uint64_t kKey = 0x123456789abcdef0;

TEST(HashText, AnEmptyViewThatPointsNowhereIsTheEmptyText) {
  EXPECT_EQ(HashText(std::string_view(), kKey), HashText("", kKey));
}

TEST(HashText, EveryByteOfEveryLengthCounts) {
  for (size_t size = 1; size <= 70; ++size) {
    const std::string text(size, 'x');
    std::set<uint64_t> seen = {HashText(text, kKey)};
    for (size_t i = 0; i < size; ++i) {
      std::string changed = text;
      changed[i] = 'y';
      EXPECT_TRUE(seen.insert(HashText(changed, kKey)).second) << size << " byte " << i;
    }
  }
}

TEST(HashText, LengthCountsEvenWhereAllBytesAreZero) {
  std::set<uint64_t> seen;
  for (size_t size = 0; size <= 70; ++size) {
    EXPECT_TRUE(seen.insert(HashText(std::string(size, '\0'), kKey)).second) << size;
  }
}

TEST(HashText, DoesNotDependOnAlignment) {
  const std::string text = "somebody@somewhere.example";
  const uint64_t expected = HashText(text, kKey);
  for (size_t offset = 0; offset < 16; ++offset) {
    const std::string shifted = std::string(offset, '-') + text;
    EXPECT_EQ(HashText(std::string_view(shifted).substr(offset), kKey), expected);
  }
}

// With 8 shards and 80,000 names each shard expects 10,000, give or take 94 (one sigma).
TEST(HashText, SpreadsSimilarNamesEvenlyUnderDifferentKeys) {
  std::set<std::array<int, 8>> spreads;
  for (const uint64_t key : {uint64_t{0}, uint64_t{1}, kKey, UINT64_MAX}) {
    std::array<int, 8> counts{};
    for (int i = 0; i < 80'000; ++i) {
      ++counts[HashText("user" + std::to_string(i), key) % counts.size()];
    }
    for (const int count : counts) EXPECT_LT(std::abs(count - 10'000), 6 * 94) << key;
    spreads.insert(counts);
  }
  EXPECT_EQ(spreads.size(), 4u) << "the key does not matter";
}

TEST(TextHash, AgreesForWhateverCanBeAView) {
  EXPECT_EQ(TextHash()("bob"), TextHash()(std::string("bob")));
  EXPECT_TRUE(TextEqual()(std::string("bob"), "bob"));
  EXPECT_FALSE(TextEqual()("bob", "bo"));
}

}  // namespace
}  // namespace solec

#include "bench/history_check.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "bench/message_frames.h"

namespace solec {
namespace {

std::string Numbered(uint64_t number) {
  std::string content = MakeContent(64, 1);
  const uint64_t stamp = SpreadStamp(number);
  std::memcpy(content.data(), &stamp, sizeof(stamp));
  return content;
}

TEST(HistoryCheck, FindsNothingWrongWithAWholeChat) {
  HistoryCheck check;
  for (uint64_t number = 1; number <= 300; ++number)
    check.Take(7 * number, 1'000, Numbered(number));
  for (uint64_t number = 1; number <= 3; ++number) {
    check.Take(5'000 + number, 2'000, Numbered(number));
  }
  EXPECT_EQ(check.last_position(), 5'003u);
  EXPECT_EQ(check.missing(), 0u);
  EXPECT_EQ(check.reordered(), 0u);
  EXPECT_EQ(check.foreign(), 0u);
}

TEST(HistoryCheck, CountsGapsWithinARunButNotWhereItBegins) {
  HistoryCheck check;
  check.Take(10, 1'000, Numbered(100));  // retention took the first 99
  check.Take(11, 1'000, Numbered(101));
  check.Take(12, 1'000, Numbered(105));
  EXPECT_EQ(check.missing(), 3u);
  EXPECT_EQ(check.reordered(), 0u);
}

TEST(HistoryCheck, CountsWhatComesTwiceOrTooLate) {
  HistoryCheck check;
  check.Take(10, 1'000, Numbered(1));
  check.Take(10, 1'000, Numbered(1));  // the same position
  check.Take(11, 1'000, Numbered(1));  // the same message at another one
  check.Take(9, 1'000, Numbered(2));
  EXPECT_EQ(check.reordered(), 3u);
  check.Take(12, 1'000, Numbered(2));
  EXPECT_EQ(check.missing(), 0u);
  EXPECT_EQ(check.last_position(), 12u);
}

TEST(HistoryCheck, ANewWalkBeginsAtTheStart) {
  HistoryCheck check;
  check.Take(10, 1'000, Numbered(1));
  check.Take(11, 1'000, Numbered(2));
  check.Restart();
  EXPECT_EQ(check.last_position(), 0u);
  check.Take(10, 1'000, Numbered(1));
  check.Take(11, 1'000, Numbered(2));
  EXPECT_EQ(check.reordered(), 0u);
}

TEST(HistoryCheck, CountsMessagesOfOthers) {
  HistoryCheck check;
  check.Take(1, 1'000, "hello");
  EXPECT_EQ(check.foreign(), 1u);
}

}  // namespace
}  // namespace solec

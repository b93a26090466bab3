#include "bench/receipt_times.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

using Times = std::vector<std::pair<uint64_t, uint64_t>>;  // time, count

Times Accept(ReceiptTimes* times, uint64_t number) {
  Times answered;
  times->Accept(number, [&answered](uint64_t time_ns, uint64_t count) {
    answered.emplace_back(time_ns, count);
  });
  return answered;
}

TEST(ReceiptTimes, OneReceiptAnswersAllUpToIt) {
  ReceiptTimes times;
  times.Sent(3, 100);
  times.Sent(5, 200);
  times.Sent(6, 300);
  EXPECT_EQ(Accept(&times, 5), (Times{{100, 3}, {200, 2}}));
  EXPECT_EQ(times.accepted(), 5u);
  EXPECT_EQ(Accept(&times, 6), (Times{{300, 1}}));
}

TEST(ReceiptTimes, MayEndWithinARun) {
  ReceiptTimes times;
  times.Sent(10, 100);
  EXPECT_EQ(Accept(&times, 4), (Times{{100, 4}}));
  times.Sent(20, 100);
  EXPECT_EQ(Accept(&times, 20), (Times{{100, 16}}));
}

TEST(ReceiptTimes, AReceiptThatSaysNothingNewAnswersNothing) {
  ReceiptTimes times;
  EXPECT_EQ(Accept(&times, 0), Times());
  EXPECT_EQ(Accept(&times, 7), Times()) << "nothing was sent";
  times.Sent(2, 100);
  EXPECT_EQ(Accept(&times, 9), (Times{{100, 2}})) << "more than was sent";
  EXPECT_EQ(Accept(&times, 1), Times());
  EXPECT_EQ(times.accepted(), 2u);
}

// Against one entry for each message.
TEST(ReceiptTimes, AgreeWithATimeForEachMessage) {
  const uint64_t seed = Seed(1);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  ReceiptTimes times;
  std::vector<uint64_t> sent = {0};  // by number; there is no message 0
  uint64_t now = 0, accepted = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      now += random() % 3;
      for (uint64_t i = 1 + random() % 4; i != 0; --i) sent.push_back(now);
      times.Sent(sent.size() - 1, now);
    } else {
      const uint64_t number = accepted + random() % (sent.size() - accepted);
      uint64_t next = accepted;
      times.Accept(number, [&](uint64_t time_ns, uint64_t count) {
        for (; count != 0; --count) ASSERT_EQ(sent[++next], time_ns);
      });
      ASSERT_EQ(next, number);
      accepted = number;
    }
  }
}

}  // namespace
}  // namespace solec

#include "link/link_log.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

TEST(LinkLog, SaysTheSameAgainOnlyAfterAWhileAndHowOftenItCame) {
  LinkLog log;
  uint64_t now_ns = 5 * kSecondNs;
  EXPECT_EQ(log.Line(now_ns, "refused"), "refused");
  for (int i = 0; i < 7; ++i) EXPECT_EQ(log.Line(now_ns += kSecondNs, "refused"), "");
  EXPECT_EQ(log.Line(now_ns += LinkLog::kRepeatNs, "refused"),
            "refused (and 7 events before that were left out)");
  EXPECT_EQ(log.Line(now_ns += LinkLog::kRepeatNs, "refused"), "refused");
}

TEST(LinkLog, SaysAtOnceWhatIsNew) {
  LinkLog log;
  EXPECT_EQ(log.Line(kSecondNs, "refused"), "refused");
  EXPECT_EQ(log.Line(kSecondNs, "refused"), "");
  EXPECT_EQ(log.Line(kSecondNs, "up"), "up (and 1 events before that were left out)");
  EXPECT_EQ(log.Line(kSecondNs, "refused"), "refused");
}

TEST(LinkLog, PeerThatComesAndGoesFillsNoDisk) {
  LinkLog log;
  uint64_t now_ns = kSecondNs;
  uint32_t lines = 0;
  for (uint32_t i = 0; i < 10'000; ++i) {
    if (!log.Line(now_ns, i % 2 == 0 ? "up" : "down").empty()) ++lines;
  }
  EXPECT_EQ(lines, LinkLog::kBurst);
  EXPECT_EQ(log.Line(now_ns += LinkLog::kWindowNs, "up"),
            "up (and 9990 events before that were left out)");
}

}  // namespace
}  // namespace solec

#include "client/deadline.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(Deadline, OfNoTimeHasPassedAndDoesNotWait) {
  for (const int64_t ms : {int64_t{0}, int64_t{-5}, INT64_MIN}) {
    const Deadline deadline = Deadline::In(ms);
    EXPECT_TRUE(deadline.Passed());
    EXPECT_EQ(deadline.PollMs(), 0);
  }
}

TEST(Deadline, NeverDoesNotPassAndWaitsForEver) {
  EXPECT_FALSE(Deadline::Never().Passed());
  EXPECT_EQ(Deadline::Never().PollMs(), -1);
  EXPECT_EQ(Deadline::In(INT64_MAX).PollMs(), -1) << "the sum must not overflow";
}

TEST(Deadline, BeyondWhatPollTakesWaitsForTheMost) {
  EXPECT_EQ(Deadline::In(int64_t{INT_MAX} * 10).PollMs(), INT_MAX);
}

TEST(Deadline, OfTwoTheEarlierCounts) {
  EXPECT_TRUE(Deadline::Never().OrEarlier(Deadline::In(0)).Passed());
  EXPECT_FALSE(Deadline::Never().OrEarlier(Deadline::In(3'600'000)).Passed());
}

TEST(TextOfMs, IsInSecondsWhereTheyAreWhole) {
  EXPECT_EQ(TextOfMs(10'000), "10 s");
  EXPECT_EQ(TextOfMs(250), "250 ms");
  EXPECT_EQ(TextOfMs(1'500), "1500 ms");
  EXPECT_EQ(TextOfMs(0), "0 s");
}

}  // namespace
}  // namespace solec

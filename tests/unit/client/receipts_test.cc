#include "client/receipts.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

SentReceipts WithSent(int count) {
  SentReceipts receipts;
  for (int i = 0; i < count; ++i) receipts.Count();
  return receipts;
}

TEST(SentReceipts, CountsFromOne) {
  SentReceipts receipts;
  EXPECT_EQ(receipts.Count(), 1u);
  EXPECT_EQ(receipts.Count(), 2u);
  EXPECT_EQ(receipts.answered(), 0u);
}

TEST(SentReceipts, AcceptedIsCumulativeAndNeverGoesBack) {
  SentReceipts receipts = WithSent(5);
  EXPECT_TRUE(receipts.OnAccepted(4));
  EXPECT_TRUE(receipts.OnAccepted(2));
  EXPECT_EQ(receipts.answered(), 4u);
  EXPECT_EQ(receipts.CodeOf(4), ErrorCode::kNone);
}

TEST(SentReceipts, RejectedCountsAsAnsweredOnceItsTurnHasCome) {
  SentReceipts receipts = WithSent(5);
  EXPECT_TRUE(receipts.OnRejected(3, ErrorCode::kOverLimit));
  EXPECT_TRUE(receipts.OnRejected(4, ErrorCode::kNotFound));
  EXPECT_EQ(receipts.answered(), 0u);
  EXPECT_TRUE(receipts.OnAccepted(2));
  EXPECT_EQ(receipts.answered(), 4u);
  EXPECT_EQ(receipts.CodeOf(3), ErrorCode::kOverLimit);
  EXPECT_EQ(receipts.CodeOf(4), ErrorCode::kNotFound);
  EXPECT_EQ(receipts.CodeOf(2), ErrorCode::kNone);
}

TEST(SentReceipts, NeedsNoAcceptedWhenEverythingIsRejected) {
  SentReceipts receipts = WithSent(2);
  EXPECT_TRUE(receipts.OnRejected(1, ErrorCode::kNotFound));
  EXPECT_TRUE(receipts.OnRejected(2, ErrorCode::kNotFound));
  EXPECT_EQ(receipts.answered(), 2u);
}

TEST(SentReceipts, RefusesAnswersForWhatWasNeverSent) {
  SentReceipts receipts = WithSent(2);
  EXPECT_FALSE(receipts.OnAccepted(3));
  EXPECT_FALSE(receipts.OnRejected(3, ErrorCode::kNotFound));
  EXPECT_FALSE(receipts.OnRejected(0, ErrorCode::kNotFound));
  EXPECT_EQ(receipts.answered(), 0u);
}

TEST(SentReceipts, IsFullAtItsBoundUntilAnAnswerComes) {
  SentReceipts receipts = WithSent(SentReceipts::kUnansweredMax - 1);
  EXPECT_FALSE(receipts.full());
  receipts.Count();
  EXPECT_TRUE(receipts.full());
  EXPECT_TRUE(receipts.OnAccepted(1));
  EXPECT_FALSE(receipts.full());
}

TEST(SentReceipts, ForgetsOnlyOldRefusalsAtItsBound) {
  SentReceipts receipts;
  const uint64_t count = SentReceipts::kRejectedMax + 10;
  for (uint64_t i = 1; i <= count; ++i) {
    receipts.Count();
    ASSERT_TRUE(receipts.OnRejected(i, ErrorCode::kNotFound));
  }
  EXPECT_EQ(receipts.answered(), count);
  EXPECT_EQ(receipts.CodeOf(10), ErrorCode::kNone);
  EXPECT_EQ(receipts.CodeOf(11), ErrorCode::kNotFound);
}

TEST(ReceivedReceipts, HasNothingToSayAtFirst) {
  ReceivedReceipts receipts;
  EXPECT_EQ(receipts.TakeDue(1'000'000, /*idle=*/true), std::nullopt);
}

TEST(ReceivedReceipts, GathersWhileThereIsMoreToCome) {
  ReceivedReceipts receipts;
  receipts.OnHandled(100);
  receipts.OnHandled(110);
  EXPECT_EQ(receipts.TakeDue(110, /*idle=*/false), std::nullopt);
  EXPECT_EQ(receipts.TakeDue(110, /*idle=*/true), 2u);
  EXPECT_EQ(receipts.TakeDue(110, /*idle=*/true), std::nullopt);
}

TEST(ReceivedReceipts, HoldsNothingBackForLongerThanTheProtocolAllows) {
  ReceivedReceipts receipts;
  receipts.OnHandled(100);
  receipts.OnHandled(115);
  EXPECT_EQ(receipts.TakeDue(119, /*idle=*/false), std::nullopt);
  EXPECT_EQ(receipts.TakeDue(120, /*idle=*/false), 2u);
  receipts.OnHandled(130);
  EXPECT_EQ(receipts.TakeDue(149, /*idle=*/false), std::nullopt);
  EXPECT_EQ(receipts.TakeDue(150, /*idle=*/false), 3u);
}

}  // namespace
}  // namespace solec

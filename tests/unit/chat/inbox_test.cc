#include "chat/inbox.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

// What the store had when the user was loaded: 100 kept, of which 90 have arrived.
Inbox Loaded() { return Inbox({90, 900}, {100, 1'000}); }

TEST(Inbox, WhatWasKeptAndHasNotArrivedWaits) {
  EXPECT_FALSE(Inbox({}, {}).HasWaiting());
  EXPECT_FALSE(Inbox({100, 1'000}, {100, 1'000}).HasWaiting());
  Inbox inbox = Loaded();
  EXPECT_TRUE(inbox.HasWaiting());
  EXPECT_EQ(inbox.waiting_bytes(), 100u);
  inbox.Acknowledge({1, 0, {100, 1'000}});
  EXPECT_FALSE(inbox.HasWaiting());
  EXPECT_EQ(inbox.waiting_bytes(), 0u);
}

TEST(Inbox, WhatIsOnItsWayIntoTheStoreMayWait) {
  Inbox inbox({}, {});
  EXPECT_EQ(inbox.Submit(2, 30), 2u);
  EXPECT_FALSE(inbox.settled());
  EXPECT_TRUE(inbox.HasWaiting());
  inbox.OnKept(2, 2, true, 8);
  EXPECT_TRUE(inbox.settled());
  EXPECT_TRUE(inbox.HasWaiting());
  EXPECT_EQ(inbox.MarkNow(5).mark.position, 8u);
  EXPECT_EQ(inbox.MarkNow(5).mark.bytes, 30u);
}

// The peer is often faster than the disk.
TEST(Inbox, AnAcknowledgementWaitsForItsPosition) {
  Inbox inbox({}, {});
  inbox.Submit(3, 30);
  const DeliveryMark three = inbox.MarkNow(1);
  inbox.Submit(2, 20);
  inbox.Acknowledge(three);
  EXPECT_EQ(inbox.delivered().position, 0u);
  // The store has made one run of all five: the third is two before its end.
  inbox.OnKept(5, 5, true, 25);
  EXPECT_EQ(inbox.delivered().position, 23u);
  EXPECT_EQ(inbox.delivered().bytes, 30u);
  EXPECT_TRUE(inbox.HasWaiting());
}

TEST(Inbox, AMarkIsFilledByTheTicketThatItLiesIn) {
  Inbox inbox({}, {});
  inbox.Submit(4, 40);
  DeliveryMark mark = inbox.MarkNow(1);
  Inbox::FillPosition(&mark, 3, 3, 99);
  EXPECT_EQ(mark.mark.position, 0u) << "it is the fourth";
  Inbox::FillPosition(&mark, 6, 3, 106);
  EXPECT_EQ(mark.mark.position, 104u);
  Inbox::FillPosition(&mark, 6, 3, 206);
  EXPECT_EQ(mark.mark.position, 104u) << "once";
}

TEST(Inbox, TheMarkNeverGoesBack) {
  Inbox inbox = Loaded();
  inbox.Acknowledge({1, 0, {95, 950}});
  inbox.Acknowledge({1, 0, {92, 920}});
  EXPECT_EQ(inbox.delivered().position, 95u);
  EXPECT_FALSE(inbox.saved());
  EXPECT_EQ(inbox.unsaved_bytes(), 50u);
  EXPECT_EQ(inbox.TakeDelivered().position, 95u);
  EXPECT_TRUE(inbox.saved());
}

TEST(Inbox, WhatWasNotKeptLeavesTheMarkAtWhatWas) {
  Inbox inbox({}, {});
  inbox.Submit(1, 10);
  inbox.OnKept(1, 1, true, 4);
  inbox.Submit(1, 10);
  inbox.Acknowledge(inbox.MarkNow(1));
  inbox.OnKept(2, 1, false, 0);
  EXPECT_EQ(inbox.delivered().position, 4u);
  EXPECT_FALSE(inbox.HasWaiting());
}

TEST(Inbox, AMarkThatRodeWithAFailedWriteIsNotSaved) {
  Inbox inbox({}, {});
  inbox.Submit(1, 10);
  inbox.OnKept(1, 1, true, 4);
  inbox.Acknowledge(inbox.MarkNow(1));
  EXPECT_FALSE(inbox.saved());
  inbox.Submit(1, 10);
  EXPECT_EQ(inbox.TakeDelivered().position, 4u);
  EXPECT_TRUE(inbox.saved());
  inbox.OnKept(2, 1, false, 0);
  EXPECT_FALSE(inbox.saved());
  EXPECT_EQ(inbox.TakeDelivered().position, 4u);
}

TEST(Inbox, TheTailKnowsWhichPositionsItsRunsHave) {
  Inbox inbox({}, {});
  const uint8_t frame[4] = {1, 2, 3, 4};
  for (int i = 0; i < 3; ++i) {
    inbox.Submit(2, 4);
    EXPECT_TRUE(inbox.PushTail(2, Bytes(frame, 2), Bytes(frame + 2, 2)));
  }
  inbox.OnKept(4, 4, true, 14);
  inbox.OnKept(6, 2, false, 0);
  ASSERT_EQ(inbox.tail().size(), 3u);
  EXPECT_EQ(inbox.tail()[0].position, 12u);
  EXPECT_EQ(inbox.tail()[1].position, 14u);
  EXPECT_EQ(inbox.tail()[2].position, Inbox::kNotKept);
  EXPECT_EQ(inbox.tail()[0].frames, std::string("\1\2\3\4"));
}

TEST(Inbox, ATailThatIsTooLongIsDropped) {
  Inbox inbox({}, {});
  const std::string frame(100'000, 'x');
  inbox.Submit(1, frame.size());
  EXPECT_TRUE(inbox.PushTail(1, AsBytes(frame), {}));
  inbox.Submit(1, frame.size());
  EXPECT_TRUE(inbox.PushTail(1, AsBytes(frame), {}));
  inbox.Submit(1, frame.size());
  EXPECT_FALSE(inbox.PushTail(1, AsBytes(frame), {}));
  EXPECT_TRUE(inbox.tail().empty());
  inbox.Submit(1, frame.size());
  EXPECT_TRUE(inbox.PushTail(1, AsBytes(frame), {})) << "it begins anew";
}

}  // namespace
}  // namespace solec

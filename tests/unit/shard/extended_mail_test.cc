// Mails that grow, and rings that are full: what a writer sees, and what its reader gets.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shard/mailboxes.h"

namespace solec {
namespace {

constexpr size_t kRingBytes = 256 * 1024;

class ExtendedMail : public testing::Test {
 protected:
  MailHeader Header(uint32_t session, uint64_t number) const {
    MailHeader header;
    header.type = MailType::kDirect;
    header.session = {session, 1};
    header.number = number;
    header.count = 1;
    return header;
  }
  bool Offer(const MailHeader& header, std::string_view text, std::string_view frame) {
    return writer.Offer(1, MailClass::kRequest, header, text, AsBytes(frame));
  }
  bool Extend(const MailHeader& header, std::string_view text, std::string_view frame) {
    const size_t half = frame.size() / 2;
    return writer.Extend(1, MailClass::kRequest, header, text, AsBytes(frame.substr(0, half)),
                         AsBytes(frame.substr(half)));
  }
  struct Got {
    uint32_t count;
    uint64_t number;
    std::string text, rest;
  };
  std::vector<Got> Drain() {
    writer.Flush([](uint32_t) {});
    std::vector<Got> mails;
    reader.Drain(MailClass::kRequest, 1000, [&](const Mail& mail) {
      mails.push_back({mail.header.count, mail.header.number, std::string(mail.text),
                       std::string(AsString(mail.rest))});
    });
    return mails;
  }

  MailRings rings{2, kRingBytes};
  Mailboxes writer{&rings, 0};
  Mailboxes reader{&rings, 1};
};

TEST_F(ExtendedMail, ARunOfOneSessionToOneTargetIsOneMail) {
  ASSERT_TRUE(Offer(Header(7, 0), "bob", "one,"));
  ASSERT_TRUE(Extend(Header(7, 0), "bob", "two,"));
  ASSERT_TRUE(Extend(Header(7, 0), "bob", "three"));
  const std::vector<Got> mails = Drain();
  ASSERT_EQ(1u, mails.size());
  EXPECT_EQ(3u, mails[0].count);
  EXPECT_EQ("bob", mails[0].text);
  EXPECT_EQ("one,two,three", mails[0].rest);
}

TEST_F(ExtendedMail, AnotherSessionTargetOrGapInTheNumbersIsAMailOfItsOwn) {
  EXPECT_FALSE(Extend(Header(7, 1), "bob", "nothing was written yet"));
  ASSERT_TRUE(Offer(Header(7, 1), "bob", "x"));
  EXPECT_FALSE(Extend(Header(8, 2), "bob", "another session"));
  EXPECT_FALSE(Extend(Header(7, 2), "eve", "another target"));
  EXPECT_FALSE(Extend(Header(7, 3), "bob", "a gap"));
  EXPECT_FALSE(Extend(Header(7, 0), "bob", "not counted"));
  EXPECT_TRUE(Extend(Header(7, 2), "bob", "y"));
  EXPECT_FALSE(Extend(Header(7, 2), "bob", "the same number again"));
  EXPECT_TRUE(Extend(Header(7, 3), "bob", "z"));
  const std::vector<Got> mails = Drain();
  ASSERT_EQ(1u, mails.size());
  EXPECT_EQ(1u, mails[0].number);
  EXPECT_EQ(3u, mails[0].count);
  EXPECT_EQ("xyz", mails[0].rest);
}

TEST_F(ExtendedMail, WhatIsPublishedOrFollowedByAnotherMailDoesNotGrow) {
  ASSERT_TRUE(Offer(Header(7, 0), "bob", "x"));
  EXPECT_EQ(1u, Drain().size());
  EXPECT_FALSE(Extend(Header(7, 0), "bob", "too late"));
  ASSERT_TRUE(Offer(Header(7, 0), "bob", "x"));
  ASSERT_TRUE(Offer(Header(8, 0), "bob", "between"));
  EXPECT_FALSE(Extend(Header(7, 0), "bob", "out of order"));
  EXPECT_EQ(2u, Drain().size());
}

TEST_F(ExtendedMail, DoesNotGrowBeyondItsBound) {
  ASSERT_TRUE(Offer(Header(7, 0), "bob", "x"));
  const std::string frame(1000, 'y');
  size_t count = 1;
  while (count < 1000 && Extend(Header(7, 0), "bob", frame)) ++count;
  const std::vector<Got> mails = Drain();
  ASSERT_EQ(1u, mails.size());
  EXPECT_EQ(count, mails[0].count);
  EXPECT_LE(mails[0].rest.size(), kExtendedMailBytesMax);
  EXPECT_GT(mails[0].rest.size(), kExtendedMailBytesMax - 2 * frame.size());
}

TEST_F(ExtendedMail, RoomIsThereAgainOnceHalfOfTheRingIsFree) {
  const std::string frame(10'000, 'y');
  EXPECT_TRUE(writer.HasRoom(1, MailClass::kRequest));
  size_t count = 0;
  while (count < 1000 && Offer(Header(7, 0), "bob", frame)) ++count;
  ASSERT_LT(count, 1000u);
  EXPECT_FALSE(writer.HasRoom(1, MailClass::kRequest));
  writer.Flush([](uint32_t) {});
  reader.Drain(MailClass::kRequest, 2, [](const Mail&) {});
  EXPECT_FALSE(writer.HasRoom(1, MailClass::kRequest)) << "room for two, and not yet for half";
  reader.Drain(MailClass::kRequest, count, [](const Mail&) {});
  EXPECT_TRUE(writer.HasRoom(1, MailClass::kRequest));
}

TEST_F(ExtendedMail, NothingOvertakesWhatWaitsForRoom) {
  const std::string frame(10'000, 'y');
  size_t count = 0;
  while (count < 1000 && Offer(Header(7, 0), "bob", frame)) ++count;
  writer.Post(1, MailClass::kRequest, Header(9, 0), "eve", AsBytes(frame));
  EXPECT_FALSE(Extend(Header(7, 0), "bob", "z"));
  EXPECT_FALSE(writer.HasRoom(1, MailClass::kRequest));
  EXPECT_EQ(count, Drain().size());
  const std::vector<Got> rest = Drain();
  ASSERT_EQ(1u, rest.size());
  EXPECT_EQ("eve", rest[0].text);
  EXPECT_TRUE(writer.HasRoom(1, MailClass::kRequest));
}

}  // namespace
}  // namespace solec

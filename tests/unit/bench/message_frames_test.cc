#include "bench/message_frames.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "proto/codec.h"
#include "proto/frame.h"

namespace solec {
namespace {

constexpr uint64_t kSeconds = 1'700'000'000;

TEST(Stamp, ComesBackAndIsText) {
  for (uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{0xFFFFFFF},
        uint64_t{0x10000000}, uint64_t{0x123456789ABCDE}, kStampMax}) {
    const uint64_t spread = SpreadStamp(value);
    EXPECT_EQ(GatherStamp(spread), value);
    EXPECT_EQ(spread & 0x8080'8080'8080'8080, 0u);
  }
}

// A frame as a server would deliver it.
std::vector<uint8_t> Delivered(std::string_view source, std::string_view target, uint64_t seconds,
                               std::string_view content) {
  std::vector<uint8_t> bytes;
  AppendFrame(Message{source, target, {seconds}, content}, &bytes);
  return bytes;
}

TEST(OutgoingFrames, AreValidMessagesWithTheirStamps) {
  const std::string content = MakeContent(64, 1);
  OutgoingFrames frames;
  frames.Build("", "bob", kSeconds, content, 3);
  ASSERT_EQ(frames.slots(), 3u);
  for (size_t i = 0; i < 3; ++i) frames.Stamp(i, 200 + i, kStampMax - i);
  Bytes stream = frames.First(3);
  for (size_t i = 0; i < 3; ++i) {
    Frame frame;
    Message message;
    ASSERT_TRUE(TakeFrame(&stream, &frame));
    ASSERT_EQ(Decode(frame.payload, &message), DecodeError::kNone);
    EXPECT_EQ(message.target, "bob");
    EXPECT_EQ(message.message_content.size(), 64u);
    DeliveredFrames delivered;
    delivered.Expect("alice", "bob", kSeconds, content);
    const std::vector<uint8_t> bytes =
        Delivered("alice@a.example", "bob@a.example", kSeconds, message.message_content);
    ASSERT_EQ(delivered.Learn(bytes), DeliveredKind::kExpected);
    EXPECT_EQ(delivered.SequenceAt(bytes.data()), 200 + i);
    EXPECT_EQ(GatherStamp(delivered.TimeStampAt(bytes.data())), kStampMax - i);
  }
  EXPECT_TRUE(stream.empty());
}

class DeliveredFramesTest : public testing::Test {
 protected:
  DeliveredFramesTest() { delivered_.Expect("alice", "bob", kSeconds, content_); }

  const std::string content_ = MakeContent(40, 1);
  DeliveredFrames delivered_;
};

TEST_F(DeliveredFramesTest, MatchWhateverTheStamps) {
  std::vector<uint8_t> bytes = Delivered("alice@a", "bob@a", kSeconds, content_);
  ASSERT_EQ(delivered_.Learn(bytes), DeliveredKind::kExpected);
  const size_t stamps_at = bytes.size() - content_.size();
  for (size_t i = 0; i < kStampedBytes; ++i) bytes[stamps_at + i] = 'x';
  EXPECT_TRUE(delivered_.Matches(bytes.data()));
}

TEST_F(DeliveredFramesTest, NoticeEveryOtherByteThatChanges) {
  const std::vector<uint8_t> bytes = Delivered("alice@a", "bob@a", kSeconds, content_);
  ASSERT_EQ(delivered_.Learn(bytes), DeliveredKind::kExpected);
  const size_t stamps_at = bytes.size() - content_.size();
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i >= stamps_at && i < stamps_at + kStampedBytes) continue;
    std::vector<uint8_t> changed = bytes;
    changed[i] ^= 1;
    EXPECT_FALSE(delivered_.Matches(changed.data())) << i;
  }
}

TEST_F(DeliveredFramesTest, RefuseWhatIsNotThisSendersMessage) {
  const auto kind = [this](std::string_view source, std::string_view target, uint64_t seconds,
                           std::string_view content) {
    return delivered_.Learn(Delivered(source, target, seconds, content));
  };
  EXPECT_EQ(kind("alicia@a", "bob@a", kSeconds, content_), DeliveredKind::kForeign);
  EXPECT_EQ(kind("alice@a", "bobby@a", kSeconds, content_), DeliveredKind::kForeign);
  EXPECT_EQ(kind("alice", "bob@a", kSeconds, content_), DeliveredKind::kForeign);
  EXPECT_EQ(kind("alice@a", "bob@a", kSeconds, content_ + "x"), DeliveredKind::kForeign);
  EXPECT_EQ(kind("alice@a", "bob@a", kSeconds, MakeContent(40, 2)), DeliveredKind::kForeign);
  EXPECT_EQ(delivered_.frame_bytes(), 0u);
}

TEST_F(DeliveredFramesTest, TellMessagesOfAnEarlierRunApart) {
  EXPECT_EQ(delivered_.Learn(Delivered("alice@a", "bob@a", kSeconds - 1, content_)),
            DeliveredKind::kEarlierRun);
}

}  // namespace
}  // namespace solec

#include "bench/peers/nats_frames.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace solec {
namespace {

TEST(NatsFrames, TakesOneAfterTheOther) {
  std::string_view stream =
      "INFO {\"server_id\":\"x y\"}\r\nPING\r\n+OK\r\nMSG _INBOX.c1.7 1 5\r\nab\r\nc\r\n"
      "MSG a.b 1 reply.to 0\r\n\r\nHMSG a 9 4 6\r\nheadxy\r\nPONG\r\n-ERR 'Slow Consumer'\r\n";
  std::vector<NatsFrame> frames;
  NatsFrame frame;
  while (TakeNatsFrame(&stream, &frame) == NatsTaken::kWhole) frames.push_back(frame);
  ASSERT_EQ(frames.size(), 8u);
  EXPECT_TRUE(stream.empty());
  EXPECT_EQ(frames[0].kind, NatsKind::kOther);
  EXPECT_EQ(frames[1].kind, NatsKind::kPing);
  EXPECT_EQ(frames[2].kind, NatsKind::kOther);
  EXPECT_EQ(frames[3].kind, NatsKind::kMessage);
  EXPECT_EQ(frames[3].subject, "_INBOX.c1.7");
  EXPECT_EQ(frames[3].payload, "ab\r\nc") << "a payload may hold the end of a line";
  EXPECT_EQ(frames[4].subject, "a.b");
  EXPECT_EQ(frames[4].payload, "");
  EXPECT_EQ(frames[5].payload, "xy") << "without its headers";
  EXPECT_EQ(frames[6].kind, NatsKind::kPong);
  EXPECT_EQ(frames[7].kind, NatsKind::kError);
  EXPECT_EQ(frames[7].payload, " 'Slow Consumer'");
}

TEST(NatsFrames, TakeNothingUntilTheyAreWhole) {
  for (std::string_view whole :
       {"MSG a 1 3\r\nabc\r\n", "HMSG a 1 r 4 6\r\nheadxy\r\n", "PING\r\n"}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      std::string_view stream = whole.substr(0, size);
      NatsFrame frame;
      EXPECT_EQ(TakeNatsFrame(&stream, &frame), NatsTaken::kPartial) << whole << size;
      EXPECT_EQ(stream.size(), size);
    }
  }
}

TEST(NatsFrames, RefuseWhatIsNoNats) {
  for (std::string_view text :
       {"HELLO\r\n", "\r\n", "MSG a 1\r\n", "MSG a 1 x\r\n", "MSG a 1 -1\r\n", "MSG a 1 r q 3\r\n",
        "MSG a 1 3\r\nabcde\r\n", "HMSG a 1 9 6\r\nheadxy\r\n", "HMSG a 1 6\r\nheadxy\r\n"}) {
    std::string_view stream = text;
    NatsFrame frame;
    EXPECT_EQ(TakeNatsFrame(&stream, &frame), NatsTaken::kMalformed) << text;
  }
}

}  // namespace
}  // namespace solec

#include "proto/sequence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace solec {
namespace {

constexpr uint32_t kKnown = kFeaturePing | kFeatureReceipts;
constexpr uint32_t kTries = 3;

// A frame with its bytes.
class Sent {
 public:
  template <class P>
  explicit Sent(const P& payload) {
    AppendFrame(payload, &bytes_);
  }
  Sent(PayloadType type, std::string_view payload) : bytes_(1, static_cast<char>(type)) {
    bytes_ += static_cast<char>(payload.size() >> 8);
    bytes_ += static_cast<char>(payload.size());
    bytes_ += payload;
  }
  Frame frame() const {
    Bytes stream = AsBytes(bytes_);
    Frame one{};
    EXPECT_TRUE(TakeFrame(&stream, &one));
    return one;
  }

 private:
  std::string bytes_;
};

SequenceStep Step(ServerSequence* sequence, const Sent& sent) {
  return sequence->OnFrame(sent.frame(), kKnown);
}

ServerSequence AfterHandshake() {
  ServerSequence sequence;
  EXPECT_EQ(Step(&sequence, Sent(Handshake{})).action, SequenceAction::kNothing);
  return sequence;
}

ServerSequence AfterRefusal() {
  ServerSequence sequence = AfterHandshake();
  Step(&sequence, Sent(UserAuth{"alice", "wrong"}));
  EXPECT_EQ(sequence.UserVerdict(false, kTries).action, SequenceAction::kRefuse);
  return sequence;
}

// A payload of any type, well formed where the type is known and the sequences look at it.
Sent AnyOf(PayloadType type) {
  switch (type) {
    case PayloadType::kHandshake:
      return Sent(Handshake{});
    case PayloadType::kUserAuth:
      return Sent(UserAuth{"alice", "secret"});
    case PayloadType::kServerAuth:
      return Sent(ServerAuth{"b.example"});
    default:
      return Sent(type, "whatever it holds");
  }
}

TEST(ServerSequence, BeforeTheHandshakeEveryOtherTypeClosesWithoutAWord) {
  for (int type = 0; type < 256; ++type) {
    ServerSequence sequence;
    const auto payload_type = static_cast<PayloadType>(type);
    const SequenceStep step = Step(&sequence, AnyOf(payload_type));
    const bool silent =
        payload_type == PayloadType::kHandshake || payload_type == PayloadType::kTest;
    EXPECT_EQ(step.action, silent ? SequenceAction::kNothing : SequenceAction::kClose) << type;
    EXPECT_EQ(sequence.handshake_done(), payload_type == PayloadType::kHandshake) << type;
  }
}

TEST(ServerSequence, AfterTheHandshakeOnlyAnAuthIsExpected) {
  for (ServerSequence (*begin)() : {AfterHandshake, AfterRefusal}) {
    for (int type = 0; type < 256; ++type) {
      ServerSequence sequence = begin();
      ASSERT_TRUE(sequence.waits_for_login());
      const auto payload_type = static_cast<PayloadType>(type);
      const Sent sent = AnyOf(payload_type);
      const SequenceStep step = Step(&sequence, sent);
      switch (payload_type) {
        case PayloadType::kTest:
          EXPECT_EQ(step.action, SequenceAction::kNothing);
          EXPECT_TRUE(sequence.waits_for_login());
          break;
        case PayloadType::kUserAuth:
          EXPECT_EQ(step.action, SequenceAction::kCheckUser);
          EXPECT_EQ(step.username, "alice");
          EXPECT_EQ(step.password, "secret");
          EXPECT_FALSE(sequence.waits_for_login()) << "no second try while one is checked";
          break;
        case PayloadType::kServerAuth:
          EXPECT_EQ(step.action, SequenceAction::kCheckPeer);
          EXPECT_EQ(step.username, "b.example");
          EXPECT_FALSE(sequence.waits_for_login());
          break;
        default:
          EXPECT_EQ(step.action, SequenceAction::kError) << type;
          EXPECT_EQ(step.code, ErrorCode::kNotAllowed) << type;
      }
    }
  }
}

TEST(ServerSequence, TestIsIgnoredInEveryStateWhateverItHolds) {
  ServerSequence sequence;
  for (const std::string_view payload : {std::string_view(), std::string_view("\xFF\xFF junk")}) {
    EXPECT_EQ(Step(&sequence, Sent(PayloadType::kTest, payload)).action, SequenceAction::kNothing);
  }
  EXPECT_FALSE(sequence.handshake_done());
  sequence = AfterHandshake();
  Step(&sequence, Sent(UserAuth{"alice", "secret"}));
  EXPECT_EQ(Step(&sequence, Sent(PayloadType::kTest, "x")).action, SequenceAction::kNothing);
  sequence.UserVerdict(true, kTries);
  EXPECT_EQ(Step(&sequence, Sent(PayloadType::kTest, "x")).action, SequenceAction::kNothing);
}

TEST(ServerSequence, OnlyTheMajorVersionMatters) {
  for (int major = 0; major < 256; ++major) {
    for (int minor : {0, 4, 255}) {
      ServerSequence sequence;
      const Handshake handshake{static_cast<uint8_t>(major), static_cast<uint8_t>(minor), {}};
      EXPECT_EQ(Step(&sequence, Sent(handshake)).action,
                major == kVersionMajor ? SequenceAction::kNothing : SequenceAction::kCloseVersion);
    }
  }
}

TEST(ServerSequence, AnswersAHandshakeWithFeaturesByThoseThatBothKnow) {
  for (const uint32_t asked : {0u, 1u, 2u, 3u, 4u, 0xFFFFFFFFu}) {
    ServerSequence sequence;
    const SequenceStep step = Step(&sequence, Sent(Handshake{.features = asked}));
    EXPECT_EQ(step.action, SequenceAction::kHandshake);
    EXPECT_EQ(step.features, asked & kKnown);
    EXPECT_TRUE(sequence.waits_for_login());
  }
}

TEST(ServerSequence, AHandshakeFromALaterDraftIsUnderstood) {
  ServerSequence sequence;
  const std::string_view payload("\0\x09\0\0\0\3\xAA\xBB", 8);
  const SequenceStep step = Step(&sequence, Sent(PayloadType::kHandshake, payload));
  EXPECT_EQ(step.action, SequenceAction::kHandshake);
  EXPECT_EQ(step.features, 3u);
}

TEST(ServerSequence, AMalformedHandshakeClosesWithoutAWord) {
  for (const size_t size : {0, 1, 3, 4, 5}) {
    ServerSequence sequence;
    EXPECT_EQ(Step(&sequence, Sent(PayloadType::kHandshake, std::string(size, '\0'))).action,
              SequenceAction::kClose);
  }
}

TEST(ServerSequence, AMalformedAuthIsAnsweredWithMalformed) {
  for (const PayloadType type : {PayloadType::kUserAuth, PayloadType::kServerAuth}) {
    for (const std::string_view payload : {std::string_view(""), std::string_view("\0\5ab", 4),
                                           std::string_view("\0\1\xFF\0\0", 5)}) {
      ServerSequence sequence = AfterHandshake();
      const SequenceStep step = Step(&sequence, Sent(type, payload));
      EXPECT_EQ(step.action, SequenceAction::kError);
      EXPECT_EQ(step.code, ErrorCode::kMalformed);
    }
  }
}

TEST(ServerSequence, ARightPasswordEndsIt) {
  ServerSequence sequence = AfterRefusal();
  Step(&sequence, Sent(UserAuth{"alice", "right"}));
  EXPECT_EQ(sequence.UserVerdict(true, kTries).action, SequenceAction::kSuccess);
  EXPECT_FALSE(sequence.waits_for_login());
  EXPECT_TRUE(sequence.handshake_done());
}

TEST(ServerSequence, ClosesAtTheLastWrongPassword) {
  for (const uint32_t tries : {1u, 2u, 3u, 255u}) {
    ServerSequence sequence = AfterHandshake();
    for (uint32_t i = 1; i <= tries; ++i) {
      ASSERT_EQ(Step(&sequence, Sent(UserAuth{"alice", "wrong"})).action,
                SequenceAction::kCheckUser);
      const SequenceStep step = sequence.UserVerdict(false, tries);
      ASSERT_EQ(step.action, i == tries ? SequenceAction::kRefuseClose : SequenceAction::kRefuse);
      ASSERT_EQ(step.code, ErrorCode::kUserAuthFailed);
    }
  }
}

TEST(ServerSequenceDeathTest, AFrameWhileANameIsCheckedIsABugOfTheCaller) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ServerSequence sequence = AfterHandshake();
  Step(&sequence, Sent(UserAuth{"alice", "secret"}));
  EXPECT_DEATH(Step(&sequence, Sent(UserAuth{"alice", "secret"})), "kLogin");
  EXPECT_DEATH(AfterHandshake().UserVerdict(true, kTries), "kChecking");
}

TEST(ClassifyClientFrame, AllowsWhatAClientMaySendAndItsFeaturesPermit) {
  // As the protocol's tables have it: who may send the type, and the bits that permit it.
  struct Rule {
    int type;
    uint32_t features;  // 0: needs none
  };
  const Rule kClientMaySend[] = {{0x05, 0}, {0x40, 1}, {0x41, 1}, {0x42, 2}, {0x43, 2}, {0x46, 4},
                                 {0x47, 4}, {0x48, 4}, {0x49, 4}, {0x4A, 4}, {0x4C, 8}};
  for (uint32_t features = 0; features < 32; ++features) {
    std::vector<FrameClass> expected(256, FrameClass::kNotAllowed);
    expected[0xFF] = FrameClass::kIgnored;
    for (const Rule& rule : kClientMaySend) {
      if (rule.features == 0 || (rule.features & features) != 0) {
        expected[static_cast<size_t>(rule.type)] = FrameClass::kAllowed;
      }
    }
    for (size_t type = 0; type < 256; ++type) {
      ASSERT_EQ(ClassifyClientFrame(static_cast<PayloadType>(type), features), expected[type])
          << "type " << type << ", features " << features;
    }
  }
}

}  // namespace
}  // namespace solec

// What a server that dials another takes from it, and what it does not.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/sequence.h"

namespace solec {
namespace {

constexpr uint32_t kOffered = kFeaturePing | kFeatureReceipts | kFeatureResume;

template <class P>
std::string Sent(const P& payload) {
  std::string bytes;
  AppendFrame(payload, &bytes);
  return bytes;
}

std::string Sent(PayloadType type, std::string_view payload) {
  std::string bytes(1, static_cast<char>(type));
  bytes += static_cast<char>(payload.size() >> 8);
  bytes += static_cast<char>(payload.size());
  return bytes.append(payload);
}

SequenceStep Step(DialSequence* sequence, std::string_view bytes) {
  Bytes stream = AsBytes(bytes);
  Frame frame{};
  EXPECT_TRUE(TakeFrame(&stream, &frame));
  return sequence->OnFrame(frame, kOffered);
}

std::string AnyOf(PayloadType type) {
  switch (type) {
    case PayloadType::kHandshake:
      return Sent(Handshake{.features = kOffered});
    case PayloadType::kSuccess:
      return Sent(Success{});
    case PayloadType::kError:
      return Sent(Error{ErrorCode::kServerAuthFailed});
    default:
      return Sent(type, "whatever it holds");
  }
}

DialSequence AfterHandshake() {
  DialSequence sequence;
  EXPECT_EQ(Step(&sequence, Sent(Handshake{.features = kOffered})).action,
            SequenceAction::kHandshake);
  return sequence;
}

TEST(DialSequence, TakesAtFirstOnlyHandshakeSuccessAndError) {
  for (int type = 0; type < 256; ++type) {
    DialSequence sequence;
    const auto payload_type = static_cast<PayloadType>(type);
    const SequenceStep step = Step(&sequence, AnyOf(payload_type));
    switch (payload_type) {
      case PayloadType::kTest:
        EXPECT_EQ(step.action, SequenceAction::kNothing);
        break;
      case PayloadType::kHandshake:
        EXPECT_EQ(step.action, SequenceAction::kHandshake);
        EXPECT_EQ(step.features, kOffered);
        break;
      case PayloadType::kSuccess:
        EXPECT_EQ(step.action, SequenceAction::kSuccess);
        break;
      case PayloadType::kError:
        EXPECT_EQ(step.action, SequenceAction::kRefused);
        EXPECT_EQ(step.code, ErrorCode::kServerAuthFailed);
        break;
      default:
        EXPECT_EQ(step.action, SequenceAction::kClose) << type;
    }
  }
}

TEST(DialSequence, TakesAfterTheHandshakeOnlySuccessAndError) {
  for (int type = 0; type < 256; ++type) {
    DialSequence sequence = AfterHandshake();
    const auto payload_type = static_cast<PayloadType>(type);
    const SequenceStep step = Step(&sequence, AnyOf(payload_type));
    switch (payload_type) {
      case PayloadType::kTest:
        EXPECT_EQ(step.action, SequenceAction::kNothing);
        break;
      case PayloadType::kSuccess:
        EXPECT_EQ(step.action, SequenceAction::kSuccess);
        break;
      case PayloadType::kError:
        EXPECT_EQ(step.action, SequenceAction::kRefused);
        break;
      default:
        EXPECT_EQ(step.action, SequenceAction::kError) << type;
        EXPECT_EQ(step.code, ErrorCode::kNotAllowed) << type;
    }
  }
}

TEST(DialSequence, TakesNoFeatureThatItDidNotOffer) {
  for (const uint32_t theirs : {0u, 1u, 2u, 8u, 16u, 0xFFFFFFFFu}) {
    DialSequence sequence;
    EXPECT_EQ(Step(&sequence, Sent(Handshake{.features = theirs})).features, theirs & kOffered);
  }
  DialSequence sequence;
  const SequenceStep step = Step(&sequence, Sent(Handshake{}));
  EXPECT_EQ(step.action, SequenceAction::kHandshake);
  EXPECT_EQ(step.features, 0u);
}

TEST(DialSequence, OnlyTheMajorVersionMatters) {
  for (int major = 0; major < 256; ++major) {
    for (const int minor : {0, 4, 255}) {
      DialSequence sequence;
      const Handshake handshake{static_cast<uint8_t>(major), static_cast<uint8_t>(minor), 1};
      EXPECT_EQ(Step(&sequence, Sent(handshake)).action, major == kVersionMajor
                                                             ? SequenceAction::kHandshake
                                                             : SequenceAction::kCloseVersion);
    }
  }
}

TEST(DialSequence, MalformedPayloadsCloseSilentlyAtFirstAndAreNamedLater) {
  const std::string kMalformed[] = {Sent(PayloadType::kSuccess, "x"), Sent(PayloadType::kError, ""),
                                    Sent(PayloadType::kError, "ab")};
  for (const std::string& bytes : kMalformed) {
    DialSequence fresh;
    EXPECT_EQ(Step(&fresh, bytes).action, SequenceAction::kClose);
    DialSequence later = AfterHandshake();
    const SequenceStep step = Step(&later, bytes);
    EXPECT_EQ(step.action, SequenceAction::kError);
    EXPECT_EQ(step.code, ErrorCode::kMalformed);
  }
  for (const size_t size : {0, 1, 3, 4, 5}) {
    DialSequence fresh;
    EXPECT_EQ(Step(&fresh, Sent(PayloadType::kHandshake, std::string(size, '\0'))).action,
              SequenceAction::kClose);
  }
}

TEST(DialSequenceDeathTest, AFrameBehindSuccessIsABugOfTheCaller) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  DialSequence sequence = AfterHandshake();
  Step(&sequence, Sent(Success{}));
  EXPECT_DEATH(Step(&sequence, Sent(Success{})), "kDone");
}

TEST(ServerSequence, APeersVerdictIsTheLastWord) {
  for (const bool valid : {true, false}) {
    ServerSequence sequence;
    Bytes stream;
    Frame frame{};
    for (const std::string& bytes : {Sent(Handshake{}), Sent(ServerAuth{"b.example"})}) {
      stream = AsBytes(bytes);
      ASSERT_TRUE(TakeFrame(&stream, &frame));
      sequence.OnFrame(frame, kOffered);
    }
    const SequenceStep step = sequence.PeerVerdict(valid);
    EXPECT_EQ(step.action, valid ? SequenceAction::kSuccess : SequenceAction::kRefuseClose);
    EXPECT_EQ(step.code, valid ? ErrorCode::kNone : ErrorCode::kServerAuthFailed);
    EXPECT_FALSE(sequence.waits_for_login());
  }
}

}  // namespace
}  // namespace solec

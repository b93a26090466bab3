#include "proto/codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/frame.h"
#include "tests/unit/base/seed.h"
#include "tests/unit/proto/every_payload.h"

namespace solec {
namespace {

template <class Tuple>
struct TypesOf;
template <class... P>
struct TypesOf<std::tuple<P...>> {
  using Types = testing::Types<P...>;
};

struct NameOf {
  template <class P>
  static std::string GetName(int) {
    return std::string(P::kName);
  }
};

template <class P>
class Codec : public testing::Test {};
TYPED_TEST_SUITE(Codec, TypesOf<AllPayloads>::Types, NameOf);

TYPED_TEST(Codec, RandomPayloadsComeBackAsTheyWere) {
  const uint64_t seed = Seed(11);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  for (int round = 0; round < 500; ++round) {
    payloads.Clear();
    const auto payload = payloads.template Make<TypeParam>();
    std::string bytes;
    AppendFrame(payload, &bytes);
    ASSERT_EQ(bytes.size(), FrameSize(payload));
    Bytes stream = AsBytes(bytes);
    Frame frame{};
    ASSERT_TRUE(TakeFrame(&stream, &frame));
    ASSERT_TRUE(stream.empty());
    ASSERT_EQ(frame.type, TypeParam::kType);
    TypeParam again;
    ASSERT_EQ(Decode(frame.payload, &again), DecodeError::kNone);
    ASSERT_TRUE(SamePayload(again, payload));
  }
}

TYPED_TEST(Codec, EveryCutOfARandomPayloadIsRefused) {
  const uint64_t seed = Seed(12);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  for (int round = 0; round < 30; ++round) {
    payloads.Clear();
    std::string bytes;
    AppendFrame(payloads.template Make<TypeParam>(), &bytes);
    if (bytes.size() > 3'000) continue;
    for (size_t cut = kFrameHeaderSize; cut < bytes.size(); ++cut) {
      const size_t size = cut - kFrameHeaderSize;
      // An exact copy: a sanitizer sees whatever is read behind it.
      const std::vector<uint8_t> part(bytes.begin() + kFrameHeaderSize,
                                      bytes.begin() + static_cast<ptrdiff_t>(cut));
      TypeParam again;
      const bool valid = TypeParam::kType == PayloadType::kHandshake && size == 2;
      ASSERT_EQ(Decode(Bytes(part), &again) == DecodeError::kNone, valid) << "cut to " << size;
    }
  }
}

// What decodes at all encodes to the very same bytes: no two payloads mean the same.
TYPED_TEST(Codec, WhatIsLeftOfDamageIsRefusedOrEncodesToTheSameBytes) {
  const uint64_t seed = Seed(13);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  for (int round = 0; round < 500; ++round) {
    payloads.Clear();
    std::string bytes;
    AppendFrame(payloads.template Make<TypeParam>(), &bytes);
    if (bytes.size() == kFrameHeaderSize) continue;
    for (uint64_t damage = 1 + payloads.random()() % 3; damage > 0; --damage) {
      const size_t at = kFrameHeaderSize +
                        payloads.random()() % std::min<size_t>(bytes.size() - kFrameHeaderSize, 40);
      bytes[at] = static_cast<char>(payloads.random()());
    }
    TypeParam again;
    const Bytes payload = AsBytes(bytes).subspan(kFrameHeaderSize);
    if (Decode(payload, &again) != DecodeError::kNone) continue;
    std::string encoded;
    AppendFrame(again, &encoded);
    ASSERT_EQ(encoded, bytes);
  }
}

TEST(CodecErrors, SayWhatIsWrong) {
  UserAuth auth;
  EXPECT_EQ(Decode(AsBytes({"\0\1a\0", 4}), &auth), DecodeError::kTooShort);
  EXPECT_EQ(Decode(AsBytes({"\0\1a\0\5b", 6}), &auth), DecodeError::kTooShort);
  EXPECT_EQ(Decode(AsBytes({"\0\1a\0\1b!", 7}), &auth), DecodeError::kBytesLeft);
  EXPECT_EQ(Decode(AsBytes({"\0\1\xFF\0\1b", 6}), &auth), DecodeError::kBadUtf8);
  EXPECT_EQ(Decode(AsBytes({"\0\1a\0\1b", 6}), &auth), DecodeError::kNone);
  EXPECT_EQ(auth.username, "a");
  EXPECT_EQ(auth.password, "b");
}

TEST(CodecErrors, ACharacterMayNotGoOnInTheNextField) {
  UserAuth auth;  // C3 A9 is one character, cut in two by the count
  EXPECT_EQ(Decode(AsBytes({"\0\1\xC3\0\1\xA9", 6}), &auth), DecodeError::kBadUtf8);
}

TEST(CodecHandshake, IgnoresWhatALaterDraftAdds) {
  Handshake handshake;
  std::string payload("\0\7", 2);
  for (size_t size = 2; size <= 40; ++size) {
    const bool valid = size == 2 || size >= 6;
    EXPECT_EQ(Decode(AsBytes(payload), &handshake) == DecodeError::kNone, valid) << size;
    if (valid) {
      EXPECT_EQ(handshake.features.has_value(), size >= 6);
    }
    payload += '\1';
  }
  EXPECT_EQ(handshake.ver_minor, 7);
  EXPECT_EQ(handshake.features, 0x01010101u);
}

TEST(CodecHandshake, FeaturesOfAnEarlierDecodeDoNotStay) {
  Handshake handshake{.features = 15};
  ASSERT_EQ(Decode(AsBytes({"\0\4", 2}), &handshake), DecodeError::kNone);
  EXPECT_FALSE(handshake.features.has_value());
}

TEST(CodecTest, TheOnlyPayloadThatMayGrowIsHandshake) {
  ForEachPayload([](auto payload) {
    EXPECT_EQ(codec_internal::MayGrow<decltype(payload)>(),
              payload.kType == PayloadType::kHandshake);
  });
}

TEST(CodecTest, TypesAreInOrderAndNoneTwice) {
  int last = 0;
  ForEachPayload([&](auto payload) {
    EXPECT_GT(static_cast<int>(payload.kType), last) << payload.kName;
    last = static_cast<int>(payload.kType);
  });
  EXPECT_EQ(last, 0xFF);
}

TEST(CodecDeathTest, EncodingMoreThanAFrameHoldsIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string large(kPayloadBytesMax - 3, 'x');
  const UserAuth fits{.username = "", .password = std::string_view(large).substr(1)};
  std::string bytes;
  AppendFrame(fits, &bytes);
  EXPECT_EQ(bytes.size(), kFrameBytesMax);
  const UserAuth too_large{.username = "", .password = large};
  EXPECT_EQ(PayloadSize(too_large), kPayloadBytesMax + 1);
  EXPECT_DEATH(AppendFrame(too_large, &bytes), "kPayloadBytesMax");
}

}  // namespace
}  // namespace solec

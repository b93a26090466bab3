#include "proto/message_view.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/base/seed.h"
#include "tests/unit/proto/every_payload.h"

namespace solec {
namespace {

// Both parsers on an exact copy, so that a sanitizer sees what is read behind it. True if it is a
// message to both.
void ExpectAgree(const std::vector<uint8_t>& payload, int* valid) {
  Message message;
  const bool decodes = Decode(Bytes(payload), &message) == DecodeError::kNone;
  MessageView view;
  const bool parses = ParseMessage(payload, &view);
  const bool text_valid =
      parses && IsValidUtf8(view.source) && IsValidUtf8(view.target) && IsValidUtf8(view.content);
  ASSERT_EQ(parses && text_valid, decodes);
  if (!decodes) return;
  ++*valid;
  ASSERT_EQ(view.source, message.source);
  ASSERT_EQ(view.target, message.target);
  ASSERT_EQ(view.content, message.message_content);
  ASSERT_EQ(std::string(AsString(view.addresses)) + std::string(AsString(view.tail)),
            AsString(Bytes(payload)));
  ASSERT_EQ(view.addresses.size(), 4 + view.source.size() + view.target.size());
  ASSERT_EQ(LoadBig<uint64_t>(view.tail.data()), message.timestamp.seconds);
}

std::vector<uint8_t> RandomMessage(RandomPayloads* payloads) {
  std::vector<uint8_t> bytes;
  AppendFrame(payloads->Make<Message>(), &bytes);
  bytes.erase(bytes.begin(), bytes.begin() + kFrameHeaderSize);
  return bytes;
}

TEST(MessageView, AgreesWithDecodeOnRandomMessages) {
  const uint64_t seed = Seed(31);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  int valid = 0;
  for (int round = 0; round < 2'000; ++round) {
    payloads.Clear();
    ASSERT_NO_FATAL_FAILURE(ExpectAgree(RandomMessage(&payloads), &valid));
  }
  EXPECT_EQ(valid, 2'000);
}

TEST(MessageView, AgreesWithDecodeOnMutatedMessages) {
  const uint64_t seed = Seed(32);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  std::mt19937_64& random = payloads.random();
  int valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    payloads.Clear();
    std::vector<uint8_t> bytes = RandomMessage(&payloads);
    switch (random() % 4) {
      case 0:
        bytes.resize(random() % (bytes.size() + 1));
        break;
      case 1:
        bytes.push_back(static_cast<uint8_t>(random()));
        break;
      default:
        for (uint64_t damage = random() % 3; damage > 0; --damage) {
          bytes[random() % std::min<size_t>(bytes.size(), 60)] = static_cast<uint8_t>(random());
        }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAgree(bytes, &valid));
  }
  EXPECT_GT(valid, 1'000);
}

TEST(MessageView, AgreesWithDecodeOnEveryCombinationOfSmallCounts) {
  int valid = 0;
  for (uint8_t source = 0; source < 8; ++source) {
    for (uint8_t target = 0; target < 8; ++target) {
      for (uint8_t content = 0; content < 8; ++content) {
        for (size_t size = 0; size <= 24; ++size) {
          // The counts stand where they would if those before them are right.
          std::vector<uint8_t> bytes(size, 0);
          const auto put = [&](size_t at, uint8_t count) {
            if (at < size) bytes[at] = count;
          };
          put(1, source);
          put(3u + source, target);
          put(13u + source + target, content);
          ASSERT_NO_FATAL_FAILURE(ExpectAgree(bytes, &valid));
        }
      }
    }
  }
  EXPECT_GT(valid, 100);
}

}  // namespace
}  // namespace solec

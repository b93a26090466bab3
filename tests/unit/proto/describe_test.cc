#include "proto/describe.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "proto/codec.h"
#include "tests/unit/base/seed.h"
#include "tests/unit/proto/every_payload.h"

namespace solec {
namespace {

template <class P>
std::string Text(const P& payload) {
  std::string bytes;
  AppendFrame(payload, &bytes);
  return DescribeStream(AsBytes(bytes), false);
}

template <class P>
std::string Json(const P& payload) {
  std::string bytes;
  AppendFrame(payload, &bytes);
  return DescribeStream(AsBytes(bytes), true);
}

std::string Message_(std::string_view content, bool json) {
  const Message message{.source = "", .target = "b", .timestamp = {5}, .message_content = content};
  return json ? Json(message) : Text(message);
}

TEST(Describe, NamesFieldsAndErrorCodes) {
  EXPECT_EQ(Text(Success{}), "Success\n");
  EXPECT_EQ(Text(Error{ErrorCode::kNotFound}), "Error code=0x02 (not found)\n");
  EXPECT_EQ(Text(Error{ErrorCode{0x99}}), "Error code=0x99 (unknown error)\n");
  EXPECT_EQ(Text(Handshake{}), "Handshake ver_major=0 ver_minor=4\n");
  EXPECT_EQ(Text(Handshake{.features = 15}),
            "Handshake ver_major=0 ver_minor=4 features=0x0000000F\n");
  EXPECT_EQ(Json(Handshake{.features = 15}),
            "{\"type\":\"Handshake\",\"ver_major\":0,\"ver_minor\":4,\"features\":15}\n");
  EXPECT_EQ(Message_("hi", false),
            "Message source=\"\" target=\"b\" timestamp=5 message_content=\"hi\"\n");
}

TEST(Describe, EscapesWhatWouldBreakTheLineOrTheTerminal) {
  EXPECT_NE(Message_("a\"b\\c\nd\x1B[2Je\x7F", false).find("\"a\\\"b\\\\c\\x0ad\\x1b[2Je\\x7f\""),
            std::string::npos);
  EXPECT_NE(Message_(std::string_view("\0\x1F", 2), true).find("\"\\u0000\\u001f\""),
            std::string::npos);
  EXPECT_NE(Message_("za\xC5\xBC\xC3\xB3\xC5\x82\xC4\x87", false).find("za\xC5\xBC\xC3\xB3"),
            std::string::npos)
      << "letters stay letters";
}

// U+009B is to many terminals what ESC [ is.
TEST(Describe, EscapesTheControlCharactersBeyondAsciiToo) {
  EXPECT_NE(Message_("a\xC2\x9B"
                     "2Jb",
                     false)
                .find("\"a\\xc2\\x9b2Jb\""),
            std::string::npos)
      << Message_(
             "a\xC2\x9B"
             "2Jb",
             false);
  EXPECT_NE(Message_("a\xC2\x80\xC2\x9F"
                     "b",
                     true)
                .find("\"a\\u0080\\u009fb\""),
            std::string::npos)
      << Message_(
             "a\xC2\x80\xC2\x9F"
             "b",
             true);
  EXPECT_NE(Message_("\xC2\xA0\xC3\x9B", false).find("\"\xC2\xA0\xC3\x9B\""), std::string::npos);
}

TEST(Describe, SaysWhyAPayloadIsMalformed) {
  const auto line = [](std::string_view bytes) { return DescribeStream(AsBytes(bytes), false); };
  EXPECT_EQ(line({"\2\0\0", 3}), "Error malformed: a field runs past the payload bytes=\n");
  EXPECT_EQ(line({"\1\0\1\xAB", 4}), "Success malformed: bytes after the last field bytes=ab\n");
  EXPECT_EQ(line({"\6\0\3\0\1\xFF", 6}),
            "ServerAuth malformed: text that is not UTF-8 bytes=0001ff\n");
}

TEST(Describe, ShowsTheBytesOfTypesThatNobodyKnows) {
  EXPECT_EQ(DescribeStream(AsBytes({"\x07\0\2\1\xFE", 5}), false),
            "Unknown type=0x07 bytes=01fe\n");
  EXPECT_EQ(DescribeStream(AsBytes({"\0\0\0", 3}), true), "{\"type\":0,\"bytes\":\"\"}\n");
  EXPECT_EQ(PayloadName(PayloadType::kReserved), "");
  EXPECT_EQ(PayloadName(PayloadType::kLinkResume), "LinkResume");
}

TEST(Describe, SaysWhatIsMissingAtTheEndOfAStream) {
  const auto line = [](std::string_view bytes, bool json) {
    return DescribeStream(AsBytes(bytes), json);
  };
  EXPECT_EQ(line("", false), "");
  EXPECT_EQ(line({"\1\0\0\2\0", 5}, false),
            "Success\nIncomplete frame: 2 of at least 3 bytes: 0200\n");
  EXPECT_EQ(line({"\2\0\1", 3}, false), "Incomplete frame: 3 of 4 bytes: 020001\n");
  EXPECT_EQ(line({"\2\0\1", 3}, true), "{\"incomplete\":\"020001\",\"wanted\":4}\n");
}

TEST(Describe, AnyBytesAtAllGiveOneJsonObjectALine) {
  const uint64_t seed = Seed(41);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3'000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    // Small lengths and known types, or nearly nothing would decode.
    for (size_t at = 0; at + 2 < bytes.size(); at += 3u + static_cast<uint8_t>(bytes[at + 2])) {
      bytes[at] = static_cast<char>(random() % 2 == 0 ? random() % 7 : 0x40 + random() % 15);
      bytes[at + 1] = 0;
      bytes[at + 2] = static_cast<char>(random() % 24);
    }
    const std::string lines = DescribeStream(AsBytes(bytes), true);
    for (size_t begin = 0; begin < lines.size();) {
      const size_t end = lines.find('\n', begin);
      ASSERT_NE(end, std::string::npos);
      ASSERT_TRUE(nlohmann::json::parse(lines.substr(begin, end - begin)).is_object());
      begin = end + 1;
    }
  }
}

TEST(Describe, RandomPayloadsKeepTheirTextThroughJson) {
  const uint64_t seed = Seed(42);
  SCOPED_TRACE(RepeatWith(seed));
  RandomPayloads payloads(seed);
  for (int round = 0; round < 300; ++round) {
    payloads.Clear();
    const auto message = payloads.Make<Message>();
    const nlohmann::json described = nlohmann::json::parse(Json(message));
    ASSERT_EQ(described.at("source"), std::string(message.source));
    ASSERT_EQ(described.at("message_content"), std::string(message.message_content));
    ASSERT_EQ(described.at("timestamp"), message.timestamp.seconds);
  }
}

TEST(PayloadTable, HasARowForEveryPayload) {
  const std::string table = PayloadTableMarkdown();
  ForEachPayload([&](auto payload) {
    EXPECT_NE(table.find(" | " + std::string(payload.kName) + " | "), std::string::npos);
  });
  EXPECT_NE(table.find("| 0x03 | Handshake | server, client | uint8 ver_major, uint8 ver_minor, "
                       "uint32 (may be absent) features |"),
            std::string::npos);
  EXPECT_NE(table.find("| 0x4A | List | client | uint16 tag, uint8 kind, string of |"),
            std::string::npos);
}

}  // namespace
}  // namespace solec

#include "proto/address.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/utf8.h"
#include "tests/unit/base/seed.h"

namespace solec {
namespace {

std::string Repeat(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Parsed {
  std::string text;
  std::string name;
  std::string server;
};

TEST(Address, ValidOnesAreCutAtTheAt) {
  const Parsed kCases[] = {
      {"bob", "bob", ""},
      {"bob@b.example", "bob", "b.example"},
      {"b", "b", ""},
      {"B.o-b_1!$%&/()=?+~'\"\\|<>,;:^`[]{}", "B.o-b_1!$%&/()=?+~'\"\\|<>,;:^`[]{}", ""},
      {"a.b.c@x", "a.b.c", "x"},
      {"#ops", "#ops", ""},
      {"#ops.alerts@A.Example", "#ops.alerts", "A.Example"},
      {"\xC5\xBB\xC3\xB3\xC5\x82w@b-1.EXAMPLE", "\xC5\xBB\xC3\xB3\xC5\x82w", "b-1.EXAMPLE"},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", ""},
      {"\xC2\xA1", "\xC2\xA1", ""},          // U+00A1, right after the white space U+00A0
      {"\xE2\x80\x8B", "\xE2\x80\x8B", ""},  // U+200B is not white space to Unicode
      {"a@.-.", "a", ".-."},                 // the rule for servers asks for no more
      {"a@" + Repeat("s", 255), "a", Repeat("s", 255)},
      {Repeat("n", 64) + "@x", Repeat("n", 64), "x"},
      {"#" + Repeat("n", 64), "#" + Repeat("n", 64), ""},
      {Repeat("\xC3\xB3", 32), Repeat("\xC3\xB3", 32), ""},
  };
  for (const Parsed& one : kCases) {
    Address address;
    ASSERT_TRUE(ParseAddress(one.text, &address)) << one.text;
    EXPECT_EQ(address.name, one.name);
    EXPECT_EQ(address.server, one.server);
    EXPECT_EQ(address.is_channel(), one.text[0] == '#');
  }
}

TEST(Address, InvalidOnesAreRefused) {
  const std::string kCases[] = {
      "",
      "@",
      "#",
      "#@x",
      "@x",
      "bob@",
      "bob@@x",
      "bob@x@y",
      "bob@x y",
      "bob@x_y",
      "bob@\xC3\xB3",
      "bob@x/",
      "bob@x:1",
      ".",
      "..",
      ".bob",
      "bob.",
      "b..b",
      "#.ops",
      "#ops.",
      "#o..s",
      "##ops",
      "a#b",
      "a*b",
      "*",
      "a b",
      " a",
      "a ",
      "a\tb",
      "a\nb",
      "a\x7F",
      "a\x1F",
      std::string("a\0b", 3),
      "a@" + Repeat("s", 256),  // server too long
      Repeat("n", 65),
      "#" + Repeat("n", 65),
      Repeat("\xC3\xB3", 32) + "n",
      "\xFF",
      "a\xC3",
      "\xC3\x28",
      "\xED\xA0\x80",
      "\xC0\xAF",  // not UTF-8
      "a\xC2\x85",
      "a\xC2\x80",
      "a\xC2\x9F",  // C1 controls
      "a\xC2\xA0",
      "a\xE1\x9A\x80",
      "a\xE2\x80\x80",
      "a\xE2\x80\x8A",
      "a\xE2\x80\xA8",
      "a\xE2\x80\xA9",
      "a\xE2\x80\xAF",
      "a\xE2\x81\x9F",
      "a\xE3\x80\x80",  // white space
  };
  for (const std::string& text : kCases) {
    Address address;
    EXPECT_FALSE(ParseAddress(text, &address)) << testing::PrintToString(text);
  }
}

// Every code point there is, in the middle of a name, against the rule by its definition.
TEST(Address, EveryCodePointIsAllowedOrNotAsTheRuleSays) {
  const auto is_white_space = [](uint32_t c) {  // PropList.txt, White_Space
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
  };
  uint32_t wrong = 0, last_wrong = 0;
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string name = "a";
    if (code < 0x80) {
      name += static_cast<char>(code);
    } else {
      const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      const uint32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
      name += static_cast<char>(marks[more] | code >> (6 * more));
      for (int i = more - 1; i >= 0; --i) {
        name += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
      }
    }
    name += 'b';
    const bool control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
    const bool expected =
        !control && !is_white_space(code) && code != '@' && code != '*' && code != '#';
    if (IsValidName(name) != expected) ++wrong, last_wrong = code;
  }
  EXPECT_EQ(wrong, 0u) << "the last one is " << last_wrong;
}

TEST(Address, RandomTextsThatPassHoldWhatTheRulePromises) {
  const uint64_t seed = Seed(21);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  const std::string_view kParts[] = {"a", "B", ".",       "..",           "@",
                                     "#", "*", " ",       "\xC3\xB3",     "\xC3",
                                     "-", "_", "example", "\xE3\x80\x80", "x.y"};
  int valid = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (uint64_t parts = random() % 8; parts > 0; --parts) text += kParts[random() % 15];
    Address address;
    if (!ParseAddress(text, &address)) continue;
    ++valid;
    ASSERT_TRUE(IsValidUtf8(text));
    ASSERT_EQ(std::string(address.name) + (address.server.empty() ? "" : "@") +
                  std::string(address.server),
              text);
    ASSERT_EQ(text.find_first_of(" *"), std::string::npos) << text;
    ASSERT_EQ(text.rfind('#') == std::string::npos || text.rfind('#') == 0, true) << text;
    ASSERT_EQ(address.name.find(".."), std::string::npos) << text;
    ASSERT_FALSE(address.name.ends_with('.')) << text;
  }
  EXPECT_GT(valid, 500);
}

TEST(Address, ServersAreTheSameWhateverTheirAsciiCase) {
  EXPECT_TRUE(SameServer("A.Example", "a.eXAMPLE"));
  EXPECT_FALSE(SameServer("a.example", "a.example2"));
  EXPECT_FALSE(SameServer("a.example", "b.example"));
  EXPECT_FALSE(SameServer("a", ""));
  EXPECT_TRUE(SameServer("", ""));
  EXPECT_FALSE(SameServer("[", "{")) << "these differ by the bit that letters' case is";
  EXPECT_EQ(FoldServer("B-1.EXAMPLE.Z"), "b-1.example.z");
}

TEST(Address, FormatsTheNameAsItIsAndTheServerFolded) {
  EXPECT_EQ(FormatAddress("Bob", "B.Example"), "Bob@b.example");
  EXPECT_EQ(FormatAddress("#Ops", "x"), "#Ops@x");
}

}  // namespace
}  // namespace solec

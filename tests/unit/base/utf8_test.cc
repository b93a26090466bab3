#include "base/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/utf8_variants.h"
#include "tests/unit/base/seed.h"

namespace solec {
namespace {

// RFC 3629 by its definition, not by ranges of bytes: decode, then look at the number.
bool NaiveIsValid(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t first = byte(at);
    size_t size = 1;
    uint32_t code = first;
    uint32_t least = 0;
    if (first >= 0x80) {
      if ((first & 0xE0) == 0xC0)
        size = 2, code = first & 0x1Fu, least = 0x80;
      else if ((first & 0xF0) == 0xE0)
        size = 3, code = first & 0x0Fu, least = 0x800;
      else if ((first & 0xF8) == 0xF0)
        size = 4, code = first & 0x07u, least = 0x10000;
      else
        return false;
    }
    if (at + size > text.size()) return false;
    for (size_t i = 1; i < size; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return false;
      code = code << 6 | (byte(at + i) & 0x3Fu);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    at += size;
  }
  return true;
}

// By the plain rule, whether or not the result may exist.
std::string Encode(uint32_t code, size_t size) {
  if (size == 1) return std::string(1, static_cast<char>(code));
  std::string text(size, '\0');
  for (size_t i = size - 1; i > 0; --i) {
    text[i] = static_cast<char>(0x80 | (code & 0x3F));
    code >>= 6;
  }
  const uint32_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
  text[0] = static_cast<char>(marks[size] | code);
  return text;
}

std::string Encode(uint32_t code) {
  return Encode(code, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
}

// All variants of this machine, on a copy with nothing before or behind it, so that a sanitizer
// sees what is read outside. -1: they do not agree.
int Verdict(std::string_view text) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  const std::string_view view = {reinterpret_cast<const char*>(exact.data()), exact.size()};
  const bool scalar = utf8_internal::ValidateScalar(exact.data(), exact.size());
  if (IsValidUtf8(view) != scalar || utf8_internal::IsValidUtf8AnySize(view) != scalar) return -1;
#if SOLEC_UTF8_VECTORS
  if (utf8_internal::HasSsse3() &&
      utf8_internal::ValidateSsse3(exact.data(), exact.size()) != scalar) {
    return -1;
  }
  if (utf8_internal::HasAvx2() &&
      utf8_internal::ValidateAvx2(exact.data(), exact.size()) != scalar) {
    return -1;
  }
#endif
  return scalar ? 1 : 0;
}

std::string Hex(std::string_view text) {
  std::string hex;
  char digits[4];
  for (const char c : text) {
    std::snprintf(digits, sizeof(digits), "%02x ", static_cast<uint8_t>(c));
    hex += digits;
  }
  return hex;
}

#define EXPECT_AGREE(text, expected) \
  ASSERT_EQ(Verdict(text), static_cast<int>(expected)) << Hex(text)

TEST(Utf8, TheEmptyTextIsValid) {
  EXPECT_AGREE("", true);
  EXPECT_TRUE(IsValidUtf8(std::string_view()));
}

TEST(Utf8, EveryCodePointIsValidAloneAndNoSurrogateIs) {
  uint32_t disagree = 0;
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const bool expected = code < 0xD800 || code > 0xDFFF;
    if (IsValidUtf8(Encode(code)) != expected) ++disagree;
  }
  EXPECT_EQ(disagree, 0u);
}

TEST(Utf8, RefusesOverlongFormsOfEveryLength) {
  for (const uint32_t code : {0u, 0x2Fu, 0x7Fu}) {
    for (size_t size = 2; size <= 4; ++size) EXPECT_AGREE(Encode(code, size), false);
  }
  for (const uint32_t code : {0x80u, 0x7FFu}) {
    EXPECT_AGREE(Encode(code, 2), true);
    for (size_t size = 3; size <= 4; ++size) EXPECT_AGREE(Encode(code, size), false);
  }
  for (const uint32_t code : {0x800u, 0xFFFFu}) {
    EXPECT_AGREE(Encode(code, 3), true);
    EXPECT_AGREE(Encode(code, 4), false);
  }
}

TEST(Utf8, RefusesWhatIsPastTheLastCodePoint) {
  EXPECT_AGREE(Encode(0x10FFFF, 4), true);
  EXPECT_AGREE(Encode(0x110000, 4), false);
  EXPECT_AGREE(Encode(0x1FFFFF, 4), false);
  for (int lead = 0xF5; lead <= 0xFF; ++lead) {
    EXPECT_AGREE(std::string(1, static_cast<char>(lead)) + "\x80\x80\x80", false);
  }
}

// Each boundary at each place around the vectors' blocks of 16, 32 and 64, and each of its cuts.
TEST(Utf8, BoundariesAndTheirCutsAtEveryPlace) {
  const uint32_t kBoundaries[] = {0x00,   0x7F,   0x80,   0x7FF,   0x800,   0xD7FF,  0xD800,
                                  0xDFFF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF};
  for (const uint32_t code : kBoundaries) {
    const std::string character = Encode(code);
    for (size_t before = 0; before <= 70; ++before) {
      for (const size_t behind : {0, 1, 3, 16, 40}) {
        const std::string text = std::string(before, 'a') + character + std::string(behind, 'b');
        EXPECT_AGREE(text, NaiveIsValid(text));
      }
      for (size_t cut = 1; cut < character.size(); ++cut) {
        EXPECT_AGREE(std::string(before, 'a') + character.substr(0, cut), false);
        EXPECT_AGREE(std::string(before, 'a') + character.substr(cut) + "b", false);
        EXPECT_AGREE(std::string(before, 'a') + character.substr(0, cut) + std::string(40, 'b'),
                     false);
      }
    }
  }
}

TEST(Utf8, EveryPairOfBytesAtTheBlockBorders) {
  for (const size_t before : {0, 15, 31, 62}) {
    for (int first = 0; first < 256; ++first) {
      for (int second = 0; second < 256; ++second) {
        std::string text(before, 'a');
        text += static_cast<char>(first);
        text += static_cast<char>(second);
        EXPECT_AGREE(text, NaiveIsValid(text));
      }
    }
  }
}

TEST(Utf8, EveryLeadWithEveryContinuationOfInterest) {
  const uint8_t kInterest[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90,
                               0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xFF};
  for (int lead = 0x80; lead < 256; ++lead) {
    for (const uint8_t second : kInterest) {
      for (const uint8_t third : kInterest) {
        for (const uint8_t fourth : kInterest) {
          const char bytes[] = {static_cast<char>(lead), static_cast<char>(second),
                                static_cast<char>(third), static_cast<char>(fourth)};
          const std::string_view text(bytes, sizeof(bytes));
          const bool expected = NaiveIsValid(text);
          ASSERT_EQ(IsValidUtf8(text), expected) << Hex(text);
          EXPECT_AGREE(std::string(14, 'a').append(text) + "tail", expected);
        }
      }
    }
  }
}

TEST(Utf8, AgreesWithTheNaiveReferenceOnRandomTextsWithDamage) {
  const uint64_t seed = Seed(7);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  int valid = 0, invalid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const size_t characters = random() % 60;
    const uint64_t kind = random() % 5;  // of one length each, or mixed
    for (size_t i = 0; i < characters; ++i) {
      const uint64_t length = kind < 4 ? kind : random() % 4;
      const uint32_t spans[] = {0x80, 0x800, 0x10000, 0x110000};
      text += Encode(static_cast<uint32_t>(random() % spans[length]));
    }
    for (uint64_t damage = random() % 3; damage > 0 && !text.empty(); --damage) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = static_cast<char>(random());
      else
        text.erase(at, 1);
    }
    const bool expected = NaiveIsValid(text);
    (expected ? valid : invalid) += 1;
    ASSERT_EQ(Verdict(text), static_cast<int>(expected)) << "round " << round << ": " << Hex(text);
  }
  EXPECT_GT(valid, 1'000);
  EXPECT_GT(invalid, 1'000);
}

TEST(Utf8, EveryCutOfALongMixedTextSaysWhetherACharacterWasSplit) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "a\xC3\xB3\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const bool whole = cut == text.size() || (static_cast<uint8_t>(text[cut]) & 0xC0) != 0x80;
    EXPECT_AGREE(text.substr(0, cut), whole);
    EXPECT_AGREE(text.substr(cut), whole);
  }
}

}  // namespace
}  // namespace solec

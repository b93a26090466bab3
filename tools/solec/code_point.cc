#include "tools/solec/code_point.h"

#include <algorithm>

namespace solec {
namespace {

struct Range {
  char32_t first, last;
};

// Sorted. The combining marks that occur in living scripts, joiners and variation selectors.
constexpr Range kZeroWidth[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},   {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0900, 0x0902}, {0x093A, 0x093A},   {0x093C, 0x093C}, {0x0941, 0x0948},
    {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x2060, 0x2064},   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

template <size_t kCount>
bool Holds(const Range (&ranges)[kCount], char32_t value) {
  const auto next = std::upper_bound(
      std::begin(ranges), std::end(ranges), value,
      [](char32_t searched, const Range& range) { return searched < range.first; });
  return next != std::begin(ranges) && value <= std::prev(next)->last;
}

constexpr CodePoint kInvalid{.value = 0xFFFD, .size = 1, .valid = false};

}  // namespace

size_t SequenceSize(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

CodePoint FirstCodePoint(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const size_t size = SequenceSize(first);
  if (size == 1) return {.value = first, .size = 1, .valid = true};
  if (size == 0 || text.size() < size) return kInvalid;
  char32_t value = first & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return kInvalid;
    value = (value << 6) | (byte & 0x3Fu);
  }
  // Overlong forms of three and four bytes, surrogates, and what lies past the last code point.
  if (size == 3 && value < 0x800) return kInvalid;
  if (size == 4 && value < 0x10000) return kInvalid;
  if ((value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return kInvalid;
  return {.value = value, .size = size, .valid = true};
}

int CellWidth(char32_t code_point) {
  if (code_point < 0x300) return 1;
  if (Holds(kZeroWidth, code_point)) return 0;
  return Holds(kWide, code_point) ? 2 : 1;
}

size_t TextWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint next = FirstCodePoint(text);
    width += static_cast<size_t>(CellWidth(next.value));
    text.remove_prefix(next.size);
  }
  return width;
}

size_t PreviousCharacter(std::string_view text, size_t at) {
  while (at > 0) {
    do {
      --at;
    } while (at > 0 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80);
    if (CellWidth(FirstCodePoint(text.substr(at)).value) > 0) break;
  }
  return at;
}

size_t NextCharacter(std::string_view text, size_t at) {
  at += FirstCodePoint(text.substr(at)).size;
  while (at < text.size()) {
    const CodePoint next = FirstCodePoint(text.substr(at));
    if (CellWidth(next.value) > 0) break;
    at += next.size;
  }
  return at;
}

}  // namespace solec

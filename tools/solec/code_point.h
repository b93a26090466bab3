// Walking through UTF-8 text one code point at a time, and how wide each is on a terminal. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace solec {

struct CodePoint {
  char32_t value = 0;
  size_t size = 0;    // bytes; at least 1
  bool valid = true;  // false: a byte that is no UTF-8 here; value is U+FFFD, size 1
};

// The first code point of `text`, which is not empty.
CodePoint FirstCodePoint(std::string_view text);

// Bytes that a UTF-8 sequence has by its first byte: 1 to 4; 0 if no sequence begins so.
size_t SequenceSize(uint8_t first);

// Cells on a terminal: 0 for combining marks, 2 for East Asian wide ones and emoji, else 1. An
// approximation that does not depend on the locale.
int CellWidth(char32_t code_point);

// Cells of a text without control characters.
size_t TextWidth(std::string_view text);

// Where the character before `at` begins, its combining marks included; `at` > 0.
size_t PreviousCharacter(std::string_view text, size_t at);

// Where the character at `at` ends, its combining marks included; `at` < text.size().
size_t NextCharacter(std::string_view text, size_t at);

}  // namespace solec

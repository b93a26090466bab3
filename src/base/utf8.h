// UTF-8 validation as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace solec {

namespace utf8_internal {

// A bit of each byte that is not ASCII.
inline constexpr uint64_t kNotAscii = 0x8080'8080'8080'8080;

inline uint64_t Load8(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Any text. Worth a call only for what IsValidUtf8 below has not settled.
bool IsValidUtf8AnySize(std::string_view text);

}  // namespace utf8_internal

// True if all of `text` is valid UTF-8; the empty string is. Pure, allocates nothing, any thread,
// reads nothing outside `text`.
//
// Names and most contents are short and ASCII: those are settled here, in line, by a few loads that
// may overlap, with no loop whose length has to be predicted.
inline bool IsValidUtf8(std::string_view text) {
  using utf8_internal::Load8;
  const char* const begin = text.data();
  const size_t size = text.size();
  if (size < 8) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < size; ++i) bytes |= static_cast<uint8_t>(begin[i]);
    if ((bytes & 0x80) == 0) return true;
  } else if (size <= 64) {
    const char* const end = begin + size;
    uint64_t words = Load8(begin) | Load8(end - 8);
    if (size > 16) {
      words |= Load8(begin + 8) | Load8(end - 16);
      if (size > 32) {
        words |= Load8(begin + 16) | Load8(begin + 24) | Load8(end - 32) | Load8(end - 24);
      }
    }
    if ((words & utf8_internal::kNotAscii) == 0) return true;
  }
  return utf8_internal::IsValidUtf8AnySize(text);
}

}  // namespace solec

// The ways in which UTF-8 is validated; utf8.cc chooses one for this machine at the first call.
// Apart from it only tests, fuzzers and benchmarks include this. All take any size and alignment,
// read nothing outside [text, text + size) and agree on every input.
//
// The vector forms use the algorithm of John Keiser and Daniel Lemire, "Validating UTF-8 In Less
// Than One Instruction Per Byte" (Software: Practice and Experience 51(5), 2021): an error within
// two neighbouring bytes shows in three of their nibbles, so three table look-ups and two ANDs find
// all of them, for every byte of a vector at once. What remains is whether the third and fourth
// bytes of longer characters are where they must be, and only there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace solec::utf8_internal {

bool ValidateScalar(const uint8_t* text, size_t size);

#if defined(__x86_64__)
#define SOLEC_UTF8_VECTORS 1

// The caller has asked the processor for the instructions.
bool ValidateSsse3(const uint8_t* text, size_t size);
bool ValidateAvx2(const uint8_t* text, size_t size);
bool HasSsse3();
bool HasAvx2();

// A kind of two neighbouring bytes that cannot be in valid text, as the sets of nibbles (bit n: the
// nibble n) whose meeting tells it. Each kind has a bit of its own in the tables below.
struct BadPair {
  uint16_t first_high;   // of the first byte, its upper four bits
  uint16_t first_low;    // of the first byte, its lower four bits
  uint16_t second_high;  // of the second byte, its upper four bits
};

inline constexpr uint16_t kAnyNibble = 0xFFFF;
inline constexpr uint16_t kAsciiNibbles = 0x00FF;         // 0xxx
inline constexpr uint16_t kContinuationNibbles = 0x0F00;  // 10xx
inline constexpr uint16_t kLeadNibbles = 0xF000;          // 11xx

inline constexpr std::array<BadPair, 8> kBadPairs{{
    // A lead byte with no continuation.
    {kLeadNibbles, kAnyNibble, kAsciiNibbles | kLeadNibbles},
    // A continuation with no lead byte.
    {kAsciiNibbles, kAnyNibble, kContinuationNibbles},
    // C0, C1: two bytes for what fits into one.
    {1 << 0xC, 0b11, kContinuationNibbles},
    // E0 80 to E0 9F: three bytes for what fits into two.
    {1 << 0xE, 1 << 0x0, 1 << 0x8 | 1 << 0x9},
    // ED A0 to ED BF: surrogates.
    {1 << 0xE, 1 << 0xD, 1 << 0xA | 1 << 0xB},
    // F4 90 and after: past U+10FFFF.
    {1 << 0xF, 0xFFF0, 1 << 0x9 | 1 << 0xA | 1 << 0xB},
    // F0 80 to F0 8F: four bytes for what fits into three; F5 80 and after: past U+10FFFF.
    {1 << 0xF, 0xFFE0 | 1 << 0x0, 1 << 0x8},
    // Two continuations: bad unless the second is the third or fourth byte of a character. That
    // bit is the top one, where the comparison with the longer characters leaves its answer.
    {kContinuationNibbles, kAnyNibble, kContinuationNibbles},
}};

using NibbleTable = std::array<uint8_t, 16>;

constexpr NibbleTable MakeNibbleTable(uint16_t BadPair::*nibbles) {
  NibbleTable table{};
  for (size_t kind = 0; kind < kBadPairs.size(); ++kind) {
    for (size_t nibble = 0; nibble < 16; ++nibble) {
      if ((kBadPairs[kind].*nibbles >> nibble & 1) != 0) {
        table[nibble] = static_cast<uint8_t>(table[nibble] | 1u << kind);
      }
    }
  }
  return table;
}

alignas(16) inline constexpr NibbleTable kFirstHighTable = MakeNibbleTable(&BadPair::first_high);
alignas(16) inline constexpr NibbleTable kFirstLowTable = MakeNibbleTable(&BadPair::first_low);
alignas(16) inline constexpr NibbleTable kSecondHighTable = MakeNibbleTable(&BadPair::second_high);
#endif  // __x86_64__

}  // namespace solec::utf8_internal

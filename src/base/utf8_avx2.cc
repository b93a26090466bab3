// UTF-8 validation, 32 bytes at a time, and 64 at a time through ASCII. The algorithm is told in
// utf8_variants.h.

#include "base/utf8_variants.h"

#if SOLEC_UTF8_VECTORS

#include <immintrin.h>

#include <cstring>

#define SOLEC_TARGET [[gnu::target("avx2")]]

namespace solec::utf8_internal {
namespace {

constexpr size_t kBlock = 32;

SOLEC_TARGET inline __m256i Load(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// Both halves hold the table: a byte shuffle does not cross the middle.
SOLEC_TARGET inline __m256i Table(const NibbleTable& table) {
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

SOLEC_TARGET inline __m256i HighNibbles(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

// Not zero where `input`, which follows `before` in the text, holds an error. A character that is
// cut off at the end of `input` is not one yet.
SOLEC_TARGET inline __m256i Errors(__m256i before, __m256i input) {
  // The upper half of `before` and the lower of `input`: what stands before each half of `input`.
  const __m256i between = _mm256_permute2x128_si256(before, input, 0x21);
  const __m256i previous1 = _mm256_alignr_epi8(input, between, 15);
  const __m256i previous2 = _mm256_alignr_epi8(input, between, 14);
  const __m256i previous3 = _mm256_alignr_epi8(input, between, 13);
  const __m256i low = _mm256_and_si256(previous1, _mm256_set1_epi8(0x0F));
  const __m256i bad_pairs = _mm256_and_si256(
      _mm256_and_si256(_mm256_shuffle_epi8(Table(kFirstHighTable), HighNibbles(previous1)),
                       _mm256_shuffle_epi8(Table(kFirstLowTable), low)),
      _mm256_shuffle_epi8(Table(kSecondHighTable), HighNibbles(input)));
  // The top bit where two bytes before stands a lead of three or four bytes, or three bytes before
  // one of four: there, and only there, belongs a second continuation in a row.
  const __m256i third = _mm256_subs_epu8(previous2, _mm256_set1_epi8(0xE0 - 0x80));
  const __m256i fourth = _mm256_subs_epu8(previous3, _mm256_set1_epi8(0xF0 - 0x80));
  const __m256i expected =
      _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
  return _mm256_xor_si256(bad_pairs, expected);
}

// Not zero if the last character of `input` goes on after it.
SOLEC_TARGET inline __m256i CutOff(__m256i input) {
  const __m256i largest =
      _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, static_cast<char>(0xF0 - 1),
                       static_cast<char>(0xE0 - 1), static_cast<char>(0xC0 - 1));
  return _mm256_subs_epu8(input, largest);
}

}  // namespace

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") != 0;
}

SOLEC_TARGET bool ValidateAvx2(const uint8_t* text, size_t size) {
  __m256i errors = _mm256_setzero_si256();
  __m256i before = _mm256_setzero_si256();
  __m256i cut_off = _mm256_setzero_si256();
  size_t at = 0;
  while (size - at >= kBlock) {
    const __m256i input = Load(text + at);
    if (_mm256_movemask_epi8(input) != 0) {
      errors = _mm256_or_si256(errors, Errors(before, input));
      cut_off = CutOff(input);
      before = input;
      at += kBlock;
      continue;
    }
    errors = _mm256_or_si256(errors, cut_off);
    cut_off = _mm256_setzero_si256();
    before = input;
    at += kBlock;
    while (size - at >= 2 * kBlock &&
           _mm256_movemask_epi8(_mm256_or_si256(Load(text + at), Load(text + at + kBlock))) == 0) {
      at += 2 * kBlock;
    }
  }
  // The rest, filled up with zeros: they also end a character that is cut off at the very end.
  alignas(kBlock) uint8_t rest[kBlock] = {};
  if (size != at) std::memcpy(rest, text + at, size - at);
  errors = _mm256_or_si256(errors, Errors(before, Load(rest)));
  return _mm256_testz_si256(errors, errors) != 0;
}

}  // namespace solec::utf8_internal

#endif  // SOLEC_UTF8_VECTORS

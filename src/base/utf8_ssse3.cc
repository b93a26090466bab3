// UTF-8 validation, 16 bytes at a time. The algorithm is told in utf8_variants.h.

#include "base/utf8_variants.h"

#if SOLEC_UTF8_VECTORS

#include <immintrin.h>

#include <cstring>

#define SOLEC_TARGET [[gnu::target("ssse3")]]

namespace solec::utf8_internal {
namespace {

constexpr size_t kBlock = 16;

SOLEC_TARGET inline __m128i Table(const NibbleTable& table) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(table.data()));
}

SOLEC_TARGET inline __m128i HighNibbles(__m128i bytes) {
  return _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(0x0F));
}

// Not zero where `input`, which follows `before` in the text, holds an error. A character that is
// cut off at the end of `input` is not one yet.
SOLEC_TARGET inline __m128i Errors(__m128i before, __m128i input) {
  const __m128i previous1 = _mm_alignr_epi8(input, before, kBlock - 1);
  const __m128i previous2 = _mm_alignr_epi8(input, before, kBlock - 2);
  const __m128i previous3 = _mm_alignr_epi8(input, before, kBlock - 3);
  const __m128i low = _mm_and_si128(previous1, _mm_set1_epi8(0x0F));
  const __m128i bad_pairs =
      _mm_and_si128(_mm_and_si128(_mm_shuffle_epi8(Table(kFirstHighTable), HighNibbles(previous1)),
                                  _mm_shuffle_epi8(Table(kFirstLowTable), low)),
                    _mm_shuffle_epi8(Table(kSecondHighTable), HighNibbles(input)));
  // The top bit where two bytes before stands a lead of three or four bytes, or three bytes before
  // one of four: there, and only there, belongs a second continuation in a row.
  const __m128i third = _mm_subs_epu8(previous2, _mm_set1_epi8(0xE0 - 0x80));
  const __m128i fourth = _mm_subs_epu8(previous3, _mm_set1_epi8(0xF0 - 0x80));
  const __m128i expected =
      _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(static_cast<char>(0x80)));
  return _mm_xor_si128(bad_pairs, expected);
}

// Not zero if the last character of `input` goes on after it.
SOLEC_TARGET inline __m128i CutOff(__m128i input) {
  const __m128i largest =
      _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, static_cast<char>(0xF0 - 1),
                    static_cast<char>(0xE0 - 1), static_cast<char>(0xC0 - 1));
  return _mm_subs_epu8(input, largest);
}

}  // namespace

bool HasSsse3() {
  return __builtin_cpu_supports("ssse3") != 0;
}

SOLEC_TARGET bool ValidateSsse3(const uint8_t* text, size_t size) {
  __m128i errors = _mm_setzero_si128();
  __m128i before = _mm_setzero_si128();
  __m128i cut_off = _mm_setzero_si128();
  size_t at = 0;
  for (; size - at >= kBlock; at += kBlock) {
    const __m128i input = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    if (_mm_movemask_epi8(input) == 0) {
      errors = _mm_or_si128(errors, cut_off);
      cut_off = _mm_setzero_si128();
    } else {
      errors = _mm_or_si128(errors, Errors(before, input));
      cut_off = CutOff(input);
    }
    before = input;
  }
  // The rest, filled up with zeros: they also end a character that is cut off at the very end.
  alignas(kBlock) uint8_t rest[kBlock] = {};
  if (size != at) std::memcpy(rest, text + at, size - at);
  const __m128i input = _mm_load_si128(reinterpret_cast<const __m128i*>(rest));
  errors = _mm_or_si128(errors, Errors(before, input));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) == 0xFFFF;
}

}  // namespace solec::utf8_internal

#endif  // SOLEC_UTF8_VECTORS

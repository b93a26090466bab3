// Every way of validating UTF-8 says the same, and the same as a decoder by code points.

#include <string>

#include "base/utf8.h"
#include "base/utf8_variants.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

bool NaiveIsValid(Bytes text) {
  for (size_t at = 0; at < text.size();) {
    const uint8_t first = text[at];
    size_t size = 1;
    uint32_t code = first, least = 0;
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
    if (text.size() - at < size) return false;
    for (size_t i = 1; i < size; ++i) {
      if ((text[at + i] & 0xC0) != 0x80) return false;
      code = code << 6 | (text[at + i] & 0x3Fu);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    at += size;
  }
  return true;
}

void Check(Bytes text) {
  const bool expected = NaiveIsValid(text);
  SOLEC_ASSERT(IsValidUtf8(AsString(text)) == expected);
  SOLEC_ASSERT(utf8_internal::IsValidUtf8AnySize(AsString(text)) == expected);
  SOLEC_ASSERT(utf8_internal::ValidateScalar(text.data(), text.size()) == expected);
#if SOLEC_UTF8_VECTORS
  if (utf8_internal::HasSsse3()) {
    SOLEC_ASSERT(utf8_internal::ValidateSsse3(text.data(), text.size()) == expected);
  }
  if (utf8_internal::HasAvx2()) {
    SOLEC_ASSERT(utf8_internal::ValidateAvx2(text.data(), text.size()) == expected);
  }
#endif
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  solec::FuzzInput input(data, size);
  const size_t shift = input.TakeByte() % 70;
  solec::Check(input.rest());
  // The same behind plain text, so that it falls on another place of the vectors.
  const std::string shifted = std::string(shift, 'a').append(input.text());
  solec::Check(solec::AsBytes(shifted));
  return 0;
}

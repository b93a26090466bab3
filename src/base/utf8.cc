#include "base/utf8.h"

#include <atomic>

#include "base/utf8_variants.h"

namespace solec::utf8_internal {
namespace {

bool IsContinuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// Bytes of the character that begins at `text` with a byte past 0x7F; 0 if it is not valid.
size_t CharacterSize(const uint8_t* text, size_t size) {
  const uint8_t first = text[0];
  if (first < 0xC2) return 0;  // a continuation, or an overlong form of two bytes
  if (size < 2 || !IsContinuation(text[1])) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) {
    if (first == 0xE0 && text[1] < 0xA0) return 0;  // overlong
    if (first == 0xED && text[1] > 0x9F) return 0;  // surrogates
    return size >= 3 && IsContinuation(text[2]) ? 3 : 0;
  }
  if (first > 0xF4) return 0;
  if (first == 0xF0 && text[1] < 0x90) return 0;  // overlong
  if (first == 0xF4 && text[1] > 0x8F) return 0;  // past U+10FFFF
  return size >= 4 && IsContinuation(text[2]) && IsContinuation(text[3]) ? 4 : 0;
}

using Validator = bool (*)(const uint8_t* text, size_t size);

Validator Choose() {
#if SOLEC_UTF8_VECTORS
  if (HasAvx2()) return ValidateAvx2;
  if (HasSsse3()) return ValidateSsse3;
#endif
  return ValidateScalar;
}

bool ChooseAndValidate(const uint8_t* text, size_t size);

// Begins as a function that replaces it, so that it works before main and costs one plain load.
// Threads that meet in the first call all store the same.
constinit std::atomic<Validator> validator{ChooseAndValidate};

bool ChooseAndValidate(const uint8_t* text, size_t size) {
  const Validator chosen = Choose();
  validator.store(chosen, std::memory_order_relaxed);
  return chosen(text, size);
}

}  // namespace

bool ValidateScalar(const uint8_t* text, size_t size) {
  size_t at = 0;
  while (at < size) {
    if (size - at >= 8 && (Load8(reinterpret_cast<const char*>(text + at)) & kNotAscii) == 0) {
      at += 8;
    } else if (text[at] < 0x80) {
      ++at;
    } else {
      const size_t character = CharacterSize(text + at, size - at);
      if (character == 0) return false;
      at += character;
    }
  }
  return true;
}

bool IsValidUtf8AnySize(std::string_view text) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  // Below one vector's bytes the setting up costs more than it saves.
  if (text.size() < 16) return ValidateScalar(bytes, text.size());
  return validator.load(std::memory_order_relaxed)(bytes, text.size());
}

}  // namespace solec::utf8_internal

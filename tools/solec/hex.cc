#include "tools/solec/hex.h"

namespace solec {
namespace {

int DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool IsBetweenBytes(char byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t' || byte == ':' || byte == ',';
}

}  // namespace

std::optional<std::string> BytesOfHex(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (IsBetweenBytes(text[0])) {
      text.remove_prefix(1);
      continue;
    }
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    if (text.size() < 2) return std::nullopt;
    const int high = DigitValue(text[0]);
    const int low = DigitValue(text[1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    text.remove_prefix(2);
  }
  if (bytes.empty()) return std::nullopt;
  return bytes;
}

}  // namespace solec

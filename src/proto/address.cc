#include "proto/address.h"

#include <array>

#include "base/utf8.h"

namespace solec {
namespace {

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// ASCII characters that a name may hold; bytes past 0x7F are looked at as code points.
constexpr std::array<bool, 128> MakeNameTable() {
  std::array<bool, 128> table{};
  for (size_t c = 0x21; c < 0x7F; ++c) table[c] = c != '@' && c != '*' && c != '#';
  return table;
}
constexpr std::array<bool, 128> kNameTable = MakeNameTable();

// Unicode's White_Space beyond ASCII (PropList.txt), and the C1 control characters.
bool IsForbiddenCodePoint(uint32_t c) {
  return (c >= 0x80 && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// The code point that begins at text[*at], which is valid UTF-8 past 0x7F; steps over it.
uint32_t TakeCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(*at);
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  uint32_t code = first & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) code = code << 6 | (byte(*at + i) & 0x3F);
  *at += size;
  return code;
}

}  // namespace

bool IsValidName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  if (name.front() == '.' || name.back() == '.') return false;
  bool ascii = true;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<uint8_t>(name[i]);
    if (c >= 0x80) {
      ascii = false;
    } else if (!kNameTable[c] || (c == '.' && name[i - 1] == '.')) {
      return false;
    }
  }
  if (ascii) return true;
  if (!IsValidUtf8(name)) return false;
  for (size_t at = 0; at < name.size();) {
    if (static_cast<uint8_t>(name[at]) < 0x80) ++at;
    else if (IsForbiddenCodePoint(TakeCodePoint(name, &at))) return false;
  }
  return true;
}

bool IsValidServer(std::string_view server) {
  if (server.empty() || server.size() > kServerBytesMax) return false;
  for (char written : server) {
    const char c = Lower(written);
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')) return false;
  }
  return true;
}

bool ParseAddress(std::string_view text, Address* address) {
  const size_t at = text.find('@');
  address->name = text.substr(0, at);
  address->server = {};
  if (at != std::string_view::npos) {
    address->server = text.substr(at + 1);
    if (!IsValidServer(address->server)) return false;
  }
  std::string_view name = address->name;
  if (name.starts_with('#')) name.remove_prefix(1);
  return IsValidName(name);
}

bool SameServer(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::string FoldServer(std::string_view server) {
  std::string folded(server);
  for (char& c : folded) c = Lower(c);
  return folded;
}

std::string FormatAddress(std::string_view name, std::string_view server) {
  std::string address(name);
  address += '@';
  for (char c : server) address += Lower(c);
  return address;
}

}  // namespace solec

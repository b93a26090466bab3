// Addresses against the rule of the protocol, written out by code points.

#include <string>
#include <vector>

#include "base/utf8.h"
#include "proto/address.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

std::vector<uint32_t> CodePoints(std::string_view text) {  // of valid UTF-8
  std::vector<uint32_t> codes;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80)
      codes.push_back(byte);
    else if (byte < 0xC0)
      codes.back() = codes.back() << 6 | (byte & 0x3F);
    else
      codes.push_back(byte < 0xE0 ? byte & 0x1F : byte < 0xF0 ? byte & 0x0F : byte & 0x07);
  }
  return codes;
}

bool NaiveIsName(std::string_view name) {
  if (name.empty() || name.size() > 64 || !IsValidUtf8(name)) return false;
  const std::vector<uint32_t> codes = CodePoints(name);
  if (codes.front() == '.' || codes.back() == '.') return false;
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint32_t c = codes[i];
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;  // control characters
    if (c == 0x20 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
        c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000) {
      return false;  // white space
    }
    if (c == '@' || c == '*' || c == '#') return false;
    if (i > 0 && c == '.' && codes[i - 1] == '.') return false;
  }
  return true;
}

bool NaiveIsServer(std::string_view server) {
  if (server.empty() || server.size() > 255) return false;
  return server.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
         std::string_view::npos;
}

bool NaiveIsAddress(std::string_view text) {
  const size_t at = text.find('@');
  if (at != std::string_view::npos && !NaiveIsServer(text.substr(at + 1))) return false;
  std::string_view name = text.substr(0, at);
  if (!name.empty() && name[0] == '#') name.remove_prefix(1);
  return NaiveIsName(name);
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace solec;
  const std::string text(AsString({data, size}));
  Address address;
  const bool valid = ParseAddress(text, &address);
  SOLEC_ASSERT(valid == NaiveIsAddress(text));
  if (!valid) return 0;
  SOLEC_ASSERT(text.size() <= kAddressBytesMax);
  const std::string full =
      FormatAddress(address.name, address.server.empty() ? "Own.Example" : address.server);
  Address again;
  SOLEC_ASSERT(ParseAddress(full, &again));
  SOLEC_ASSERT(again.name == address.name && again.is_channel() == address.is_channel());
  SOLEC_ASSERT(address.server.empty() || SameServer(again.server, address.server));
  SOLEC_ASSERT(FoldServer(again.server) == again.server);
  return 0;
}

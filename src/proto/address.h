// Addresses: `name@server` for users, `#name@server` for channels. Pure, nothing is allocated by
// the parsers; views point into the text that was parsed.
#pragma once

#include <string>
#include <string_view>

#include "proto/constants.h"

namespace solec {

struct Address {
  std::string_view name;    // with the '#' of a channel: the key under which it is kept
  std::string_view server;  // as written, case not folded; empty: the server part was left out
  bool is_channel() const { return name.starts_with('#'); }
};

// 1 to 64 bytes of UTF-8 without control characters, white space, '@', '*' or '#', and with dots
// only between other characters. Without a channel's '#'.
bool IsValidName(std::string_view name);

// 1 to 255 bytes of letters, digits, '.' and '-'.
bool IsValidServer(std::string_view server);

// True if `text` is a valid address, with or without its server part.
bool ParseAddress(std::string_view text, Address* address);

// Whether two servers are the same: ASCII case does not matter.
bool SameServer(std::string_view a, std::string_view b);

// In lower case, as servers are kept and sent.
std::string FoldServer(std::string_view server);

// "name@server", the server folded.
std::string FormatAddress(std::string_view name, std::string_view server);

}  // namespace solec

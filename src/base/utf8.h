// UTF-8 validation as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <string_view>

namespace solec {

// True if all of `text` is valid UTF-8; the empty string is. Pure, allocates nothing, any thread.
// ASCII runs at the speed of memory; bench/micro measures both kinds of text.
bool IsValidUtf8(std::string_view text);

}  // namespace solec

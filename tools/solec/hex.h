// Bytes written as hex by people and by other tools. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace solec {

// The bytes of "02 00 01 02", "0x02000102", "02:00:01:02" or "02000102", over any number of lines.
// Nothing if `text` is something else, or has half a byte, or no byte at all.
std::optional<std::string> BytesOfHex(std::string_view text);

}  // namespace solec

// Text from others, made harmless before a terminal sees it. A message may hold any UTF-8, and with
// it escape sequences that rewrite the screen, set the title or make the terminal type; control
// characters that overwrite what stands there; and marks that reverse the order in which text is
// shown. All of them are replaced by a visible escape: \x1b, \u202e. Pure.
#pragma once

#include <string>
#include <string_view>

namespace solec {

// Keeps line ends, but begins each line after the first with four blanks, so that nobody can make
// a text look like a line of somebody else. Bytes that are not UTF-8 become U+FFFD.
std::string SafeText(std::string_view text);

// The same for what has to stay on one line, as addresses: line ends are escaped too.
std::string SafeLine(std::string_view text);

// JSON in which every such character is written as \uXXXX. `json` is valid JSON, so they can occur
// inside strings only, where the escape means the same.
std::string SafeJson(std::string_view json);

}  // namespace solec

// CLI11 reads a word in brackets as a list, "{}" as an empty one. A message may well be such a
// word, so the command line shields them before parsing, and who takes free text lifts the shield.
#pragma once

#include <string>

namespace solec {

inline constexpr char kWordShield = '\x1f';

inline std::string ShieldWord(const std::string& word) {
  const bool special = !word.empty() && (word.front() == '[' || word.front() == '{');
  return special && (word.back() == ']' || word.back() == '}') ? kWordShield + word : word;
}

inline std::string UnshieldWord(const std::string& word) {
  return word.starts_with(kWordShield) ? word.substr(1) : word;
}

}  // namespace solec

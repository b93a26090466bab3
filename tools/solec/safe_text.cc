#include "tools/solec/safe_text.h"

#include <cstdio>

#include "tools/solec/code_point.h"

namespace solec {
namespace {

bool IsControl(char32_t value) {
  return value < 0x20 || (value >= 0x7F && value <= 0x9F);
}

// Marks, embeddings, overrides and isolates of bidirectional text, and the separators that some
// terminals take for line ends.
bool IsDeceptive(char32_t value) {
  return value == 0x061C || value == 0x200E || value == 0x200F ||
         (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
}

void AppendEscape(char32_t value, bool as_json, std::string* to) {
  char escape[16];
  const char* const format = !as_json && value <= 0xFF ? "\\x%02x" : "\\u%04x";
  std::snprintf(escape, sizeof(escape), format, static_cast<unsigned>(value));
  *to += escape;
}

std::string Safe(std::string_view text, std::string_view line_end) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = FirstCodePoint(text);
    if (next.value == '\n' && !line_end.empty()) {
      safe += line_end;
    } else if (IsControl(next.value) || IsDeceptive(next.value)) {
      AppendEscape(next.value, /*as_json=*/false, &safe);
    } else if (next.valid) {
      safe += text.substr(0, next.size);
    } else {
      safe += "\xEF\xBF\xBD";
    }
    text.remove_prefix(next.size);
  }
  return safe;
}

}  // namespace

std::string SafeText(std::string_view text) {
  return Safe(text, "\n    ");
}

std::string SafeLine(std::string_view text) {
  return Safe(text, "");
}

std::string SafeJson(std::string_view json) {
  std::string safe;
  safe.reserve(json.size());
  while (!json.empty()) {
    const CodePoint next = FirstCodePoint(json);
    // Line ends and tabs between values are JSON's own; inside strings it has escaped them already.
    if ((IsControl(next.value) && next.value >= 0x7F) || IsDeceptive(next.value)) {
      AppendEscape(next.value, /*as_json=*/true, &safe);
    } else {
      safe += json.substr(0, next.size);
    }
    json.remove_prefix(next.size);
  }
  return safe;
}

}  // namespace solec

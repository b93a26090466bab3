#include "tools/solec/duration.h"

#include <charconv>
#include <string>

namespace solec {

absl::StatusOr<int64_t> ParseDurationMs(std::string_view text) {
  constexpr int64_t kNumberMax = 1'000'000'000;
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit_begin, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(unit_begin, static_cast<size_t>(end - unit_begin));
  int64_t scale = 0;
  if (unit == "ms") scale = 1;
  if (unit == "s" || unit.empty()) scale = 1000;
  if (unit == "m") scale = 60 * 1000;
  if (unit == "h") scale = 3600 * 1000;
  if (error != std::errc() || scale == 0 || number < 1 || number > kNumberMax) {
    return absl::InvalidArgumentError("'" + std::string(text) +
                                      "' is no time; write for example 500ms, 10s or 2m");
  }
  return number * scale;
}

}  // namespace solec

#include "config/units.h"

#include <charconv>
#include <span>

namespace solec {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first.
constexpr Unit kSizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};
constexpr Unit kTimes[] = {{"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kShortTimes[] = {{"ms", 1'000}, {"us", 1}};

bool Parse(std::string_view text, std::span<const Unit> units, uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (error != std::errc()) return false;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& known : units) {
    if (unit == known.name) return !__builtin_mul_overflow(*value, known.factor, value);
  }
  return false;
}

std::string Format(uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.back();
  for (const Unit& unit : units) {
    if (value == 0 || value % unit.factor != 0) continue;
    best = &unit;
    break;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

bool ParseSize(std::string_view text, uint64_t* bytes) {
  return Parse(text, kSizes, bytes);
}

bool ParseDuration(std::string_view text, uint64_t* milliseconds) {
  return Parse(text, kTimes, milliseconds);
}

bool ParseShortDuration(std::string_view text, uint64_t* microseconds) {
  return Parse(text, kShortTimes, microseconds);
}

std::string FormatSize(uint64_t bytes) {
  return Format(bytes, kSizes);
}
std::string FormatDuration(uint64_t milliseconds) {
  return Format(milliseconds, kTimes);
}

}  // namespace solec

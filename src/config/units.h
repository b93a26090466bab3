// Sizes and times as the config spells them: a whole number and its unit, nothing between. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace solec {

// "64KiB", "1GiB", "12B". False, with the value undefined, if it is not one or does not fit.
bool ParseSize(std::string_view text, uint64_t* bytes);
// "250ms", "10s", "5min", "72h".
bool ParseDuration(std::string_view text, uint64_t* milliseconds);
// "20us", "1ms".
bool ParseShortDuration(std::string_view text, uint64_t* microseconds);

// With the largest unit that gives a whole number.
std::string FormatSize(uint64_t bytes);
std::string FormatDuration(uint64_t milliseconds);

}  // namespace solec

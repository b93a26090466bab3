// Moments as people read them, in local time. Pure but for the time zone.
#pragma once

#include <cstdint>
#include <string>

namespace solec {

// "12:03" if `seconds` since 1970 lies on the same local day as `now`, else "2026-04-18 12:03".
// A sender may set any timestamp: what no calendar holds is shown as "--:--".
std::string ClockText(uint64_t seconds, uint64_t now);

uint64_t NowSeconds();

}  // namespace solec

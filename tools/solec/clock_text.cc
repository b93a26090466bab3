#include "tools/solec/clock_text.h"

#include <ctime>

namespace solec {
namespace {

// The last second of the year 9999, after which dates no longer look like dates.
constexpr uint64_t kSecondsMax = 253'402'300'799;

}  // namespace

std::string ClockText(uint64_t seconds, uint64_t now) {
  if (seconds > kSecondsMax) return "--:--";
  const auto then_time = static_cast<time_t>(seconds);
  const auto now_time = static_cast<time_t>(now);
  tm then_local{};
  tm now_local{};
  if (localtime_r(&then_time, &then_local) == nullptr) return "--:--";
  if (localtime_r(&now_time, &now_local) == nullptr) return "--:--";
  const bool today =
      then_local.tm_year == now_local.tm_year && then_local.tm_yday == now_local.tm_yday;
  char text[32];
  const size_t size =
      std::strftime(text, sizeof(text), today ? "%H:%M" : "%Y-%m-%d %H:%M", &then_local);
  return std::string(text, size);
}

uint64_t NowSeconds() {
  return static_cast<uint64_t>(std::time(nullptr));
}

}  // namespace solec

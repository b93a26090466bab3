#include "bench/history_check.h"

#include <cstring>

#include "bench/message_frames.h"

namespace solec {

void HistoryCheck::Take(uint64_t position, uint64_t seconds, std::string_view content) {
  if (position <= last_position_) {
    ++reordered_;
    return;
  }
  last_position_ = position;
  if (content.size() < kStampedBytes) {
    ++foreign_;
    return;
  }
  uint64_t stamp;
  std::memcpy(&stamp, content.data(), sizeof(stamp));
  const uint64_t number = GatherStamp(stamp);
  if (seconds != last_seconds_) {
    last_seconds_ = seconds;
  } else if (number <= last_number_) {
    ++reordered_;
    return;
  } else {
    missing_ += number - last_number_ - 1;
  }
  last_number_ = number;
}

}  // namespace solec

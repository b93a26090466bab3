#include "client/history_tail.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "proto/constants.h"

namespace solec {
namespace {

// Doubling and halving of 64-bit positions cannot take longer on a history that stands still; one
// that grows faster than it is read is cut off here.
constexpr int kProbesMax = 160;

void KeepLast(size_t count, std::vector<HistoryEntry>* entries) {
  if (entries->size() <= count) return;
  entries->erase(entries->begin(), entries->end() - static_cast<std::ptrdiff_t>(count));
}

}  // namespace

absl::StatusOr<std::vector<HistoryEntry>> ReadHistoryAfter(const HistoryReader& read,
                                                           uint64_t after, size_t count) {
  std::vector<HistoryEntry> entries;
  while (entries.size() < count) {
    const size_t limit = std::min<size_t>(count - entries.size(), kHistoryLimitMax);
    absl::StatusOr<std::vector<HistoryEntry>> page = read(after, static_cast<uint16_t>(limit));
    if (!page.ok()) return page.status();
    // A server that does not move forward would hold us here for ever.
    if (page->empty() || page->back().position <= after) break;
    after = page->back().position;
    entries.insert(entries.end(), std::make_move_iterator(page->begin()),
                   std::make_move_iterator(page->end()));
  }
  return entries;
}

absl::StatusOr<std::vector<HistoryEntry>> ReadHistoryTail(const HistoryReader& read, size_t count) {
  if (count == 0) return std::vector<HistoryEntry>();
  // A window of some times `count` is met by fewer probes than one of exactly `count`.
  const size_t window = 4 * count;
  uint64_t low = 0;              // at least `count` messages lie after it, or it is the start
  std::optional<uint64_t> high;  // fewer than `count` messages lie after it
  uint64_t probe = 0;
  uint64_t step = window;
  std::vector<HistoryEntry> entries;
  for (int probes = 0; probes < kProbesMax; ++probes) {
    absl::StatusOr<std::vector<HistoryEntry>> read_now = ReadHistoryAfter(read, probe, window);
    if (!read_now.ok()) return read_now.status();
    const bool reached_end = read_now->size() < window;
    if (reached_end && (read_now->size() >= count || probe == 0)) {
      KeepLast(count, &*read_now);
      return read_now;
    }
    if (reached_end) {
      high = probe;
    } else {
      entries = *std::move(read_now);
      low = entries[window - count - 1].position;
      if (!high) step = step > UINT64_MAX / 2 ? UINT64_MAX : step * 2;
    }
    if (high && *high <= low + 1) break;
    if (high) {
      probe = low + (*high - low) / 2;
    } else {
      probe = step < UINT64_MAX - low ? low + step : UINT64_MAX - 1;
    }
  }
  KeepLast(count, &entries);
  return entries;
}

}  // namespace solec

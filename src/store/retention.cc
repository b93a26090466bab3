#include "store/retention.h"

#include <algorithm>

namespace solec {

bool Retention::IsLimited(const HistoryLimits& limits) {
  return limits.chat_age_max_ms != kUnlimited || limits.chat_bytes_max != kUnlimited ||
         limits.channel_age_max_ms != kUnlimited || limits.channel_bytes_max != kUnlimited;
}

bool Retention::IsRowDue(const StateValue& state, uint64_t now_ms) const {
  if (rows_.empty()) return true;
  const ClockRow& last = rows_.back();
  if (last.position == state.position) return false;  // nothing was written since
  const uint64_t age = std::min(limits_.chat_age_max_ms, limits_.channel_age_max_ms);
  const uint64_t bytes = std::min(limits_.chat_bytes_max, limits_.channel_bytes_max);
  const uint64_t every_ms = std::clamp(age / kRowsOfAge, kRowEveryMsMin, kRowEveryMsMax);
  const uint64_t every_bytes =
      std::clamp(bytes / kRowsOfBytes, kRowEveryBytesMin, kRowEveryBytesMax);
  const uint64_t written = state.chat_bytes - last.chat_bytes + state.post_bytes - last.post_bytes;
  // While a clock that was put back catches up, only bytes make rows.
  return written >= every_bytes || (now_ms > last.time_ms && now_ms - last.time_ms >= every_ms);
}

void Retention::AddRow(ClockRow row) {
  if (!rows_.empty()) row.time_ms = std::max(row.time_ms, rows_.back().time_ms);
  rows_.push_back(row);
}

CutoffsValue Retention::Find(const StateValue& state, uint64_t now_ms,
                             const CutoffsValue& before) const {
  return {.chats = FindOne(&ClockRow::chat_bytes, state.chat_bytes, now_ms, limits_.chat_age_max_ms,
                           limits_.chat_bytes_max, before.chats),
          .posts = FindOne(&ClockRow::post_bytes, state.post_bytes, now_ms,
                           limits_.channel_age_max_ms, limits_.channel_bytes_max, before.posts)};
}

uint64_t Retention::FindOne(uint64_t ClockRow::*bytes, uint64_t bytes_now, uint64_t now_ms,
                            uint64_t age_max, uint64_t bytes_max, uint64_t before) const {
  uint64_t cutoff = before;
  if (age_max != kUnlimited && now_ms > age_max) {
    // What is at or below a row's position was written before the row's time.
    const auto too_young = std::partition_point(
        rows_.begin(), rows_.end(),
        [oldest = now_ms - age_max](const ClockRow& row) { return row.time_ms <= oldest; });
    if (too_young != rows_.begin()) cutoff = std::max(cutoff, std::prev(too_young)->position);
  }
  if (bytes_max != kUnlimited && !rows_.empty()) {
    // What was written after the first of these rows is within the limit.
    auto fits = std::partition_point(rows_.begin(), rows_.end(), [=](const ClockRow& row) {
      return bytes_now - row.*bytes > bytes_max;
    });
    if (fits == rows_.end()) --fits;
    cutoff = std::max(cutoff, fits->position);
  }
  return cutoff;
}

uint64_t Retention::BytesAt(uint64_t ClockRow::*bytes, uint64_t position) const {
  const auto beyond = std::partition_point(
      rows_.begin(), rows_.end(), [=](const ClockRow& row) { return row.position <= position; });
  return beyond == rows_.begin() ? 0 : (*std::prev(beyond)).*bytes;
}

uint64_t Retention::ChatBytesAt(uint64_t position) const {
  return BytesAt(&ClockRow::chat_bytes, position);
}

uint64_t Retention::PostBytesAt(uint64_t position) const {
  return BytesAt(&ClockRow::post_bytes, position);
}

std::vector<uint64_t> Retention::TakeOldRows(const CutoffsValue& cutoffs) {
  // A kind without limits needs no rows.
  uint64_t needed = UINT64_MAX;
  if (limits_.chat_age_max_ms != kUnlimited || limits_.chat_bytes_max != kUnlimited) {
    needed = std::min(needed, cutoffs.chats);
  }
  if (limits_.channel_age_max_ms != kUnlimited || limits_.channel_bytes_max != kUnlimited) {
    needed = std::min(needed, cutoffs.posts);
  }
  std::vector<uint64_t> positions;
  if (needed == UINT64_MAX) return positions;
  // The last row at or below stays: it says how many bytes lie below.
  while (rows_.size() > 1 && rows_[1].position <= needed) {
    positions.push_back(rows_.front().position);
    rows_.pop_front();
  }
  return positions;
}

}  // namespace solec

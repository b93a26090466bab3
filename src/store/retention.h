// How much of the histories is kept: which position each limit reaches back to. Pure; the writer's.
// It knows positions by a clock: rows that say when a position had been reached, and how many bytes
// had been written by then. A row is written with messages, each time that a small part of an age
// or size limit has passed since the last; so their number is bounded by what the limits are to
// each other, and by one an hour where nothing is limited. What lies below the cutoffs is
// forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/limits.h"
#include "store/layout.h"

namespace solec {

class Retention {
 public:
  // Whether anything is ever taken away.
  static bool IsLimited(const HistoryLimits& limits);

  void SetLimits(const HistoryLimits& limits) { limits_ = limits; }
  bool is_limited() const { return IsLimited(limits_); }

  // In rising position, as they are read from the disk.
  void AddRow(ClockRow row);
  const ClockRow& last_row() const { return rows_.back(); }
  // Whether a row is due, before messages are written at `now_ms` in a store in this state.
  bool IsRowDue(const StateValue& state, uint64_t now_ms) const;

  // The cutoffs that the limits ask for; never below those before.
  CutoffsValue Find(const StateValue& state, uint64_t now_ms, const CutoffsValue& before) const;

  // Bytes written below a cutoff (0: nothing is known to be).
  uint64_t ChatBytesAt(uint64_t position) const;
  uint64_t PostBytesAt(uint64_t position) const;

  // Takes the rows that no cutoff will need again off the list; their positions.
  std::vector<uint64_t> TakeOldRows(const CutoffsValue& cutoffs);

  size_t row_count() const { return rows_.size(); }

 private:
  // A row is due after this part of the least limit: what is kept is as exact.
  static constexpr uint64_t kRowsOfAge = 256, kRowsOfBytes = 32;
  static constexpr uint64_t kRowEveryMsMin = 1'000, kRowEveryMsMax = 3'600'000;
  static constexpr uint64_t kRowEveryBytesMin = 1'024, kRowEveryBytesMax = 1 << 30;

  uint64_t FindOne(uint64_t ClockRow::*bytes, uint64_t bytes_now, uint64_t now_ms, uint64_t age_max,
                   uint64_t bytes_max, uint64_t before) const;
  uint64_t BytesAt(uint64_t ClockRow::*bytes, uint64_t position) const;

  HistoryLimits limits_;
  std::deque<ClockRow> rows_;
};

}  // namespace solec

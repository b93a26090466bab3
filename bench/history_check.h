// What a walk through the history of one chat must find: positions rise, and the messages of one
// run of this generator (they share a timestamp) are numbered without a gap. One thread; a few
// bytes.
//
// A run may begin at any number: retention takes the oldest.
#pragma once

#include <cstdint>
#include <string_view>

namespace solec {

class HistoryCheck {
 public:
  // The next message of the walk.
  void Take(uint64_t position, uint64_t seconds, std::string_view content);

  // Position of the last one; 0: none came. The walk goes on after it.
  uint64_t last_position() const { return last_position_; }
  uint64_t missing() const { return missing_; }
  uint64_t reordered() const { return reordered_; }  // or found twice
  uint64_t foreign() const { return foreign_; }      // too short to be this generator's

  // The walk begins anew; what was counted stays.
  void Restart() { last_position_ = last_number_ = last_seconds_ = 0; }

 private:
  uint64_t last_position_ = 0;
  uint64_t last_number_ = 0;
  uint64_t last_seconds_ = 0;
  uint64_t missing_ = 0;
  uint64_t reordered_ = 0;
  uint64_t foreign_ = 0;
};

}  // namespace solec

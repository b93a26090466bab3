// When messages were sent that no receipt has answered yet: receipts are cumulative, so one of them
// ends a stretch of messages at once. One thread; memory for what is under way, a few bytes for
// each run of messages that were sent at the same moment.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace solec {

class ReceiptTimes {
 public:
  // All messages up to `number`, from the last that was told, were sent (or due) at `time_ns`.
  void Sent(uint64_t number, uint64_t time_ns) {
    if (!runs_.empty() && runs_.back().time_ns == time_ns) {
      runs_.back().up_to = number;
    } else {
      runs_.push_back({number, time_ns});
    }
    sent_ = number;
  }

  // A receipt for all up to `number`. Calls visit(time_ns, count) for each moment at which some of
  // those were sent that it is the first to answer. Returns how many these are. A number beyond
  // what was sent counts as the last that was.
  template <class Visit>
  uint64_t Accept(uint64_t number, Visit&& visit) {
    const uint64_t before = accepted_;
    const uint64_t up_to = std::min(number, sent_);
    while (accepted_ < up_to) {
      const Run& run = runs_.front();
      const uint64_t end = std::min(run.up_to, up_to);
      visit(run.time_ns, end - accepted_);
      accepted_ = end;
      if (end == run.up_to) runs_.pop_front();
    }
    return accepted_ - before;
  }

  // All up to this number are answered.
  uint64_t accepted() const { return accepted_; }

 private:
  struct Run {
    uint64_t up_to;
    uint64_t time_ns;
  };

  std::deque<Run> runs_;  // of what is not answered
  uint64_t sent_ = 0;
  uint64_t accepted_ = 0;
};

}  // namespace solec

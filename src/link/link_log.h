// Which events of a peer's link are worth a line in the log. A peer that is down is dialled again
// and again, and one that misbehaves may come and go many times a second: neither may fill a disk.
// A value, owned by the peer's shard; bounded: the text of the last line.
//
// A line is left out if it says the same as the last one and less than kRepeatNs have passed, or if
// kBurst lines came within kWindowNs. The next line says how many were left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace solec {

class LinkLog {
 public:
  static constexpr uint64_t kRepeatNs = 600'000'000'000;
  static constexpr uint64_t kWindowNs = 60'000'000'000;
  static constexpr uint32_t kBurst = 10;

  // The line to write for `text`; empty: none.
  std::string Line(uint64_t now_ns, std::string_view text) {
    const bool repeats = said_ns_ != 0 && text == last_ && now_ns - said_ns_ < kRepeatNs;
    if (now_ns - window_ns_ >= kWindowNs) {
      window_ns_ = now_ns;
      lines_ = 0;
    }
    if (repeats || lines_ >= kBurst) {
      ++left_out_;
      return {};
    }
    ++lines_;
    said_ns_ = now_ns;
    last_ = text;
    std::string line(text);
    if (left_out_ != 0) {
      line += " (and " + std::to_string(left_out_) + " events before that were left out)";
    }
    left_out_ = 0;
    return line;
  }

 private:
  std::string last_;
  uint64_t said_ns_ = 0;
  uint64_t window_ns_ = 0;
  uint32_t lines_ = 0;  // in the window
  uint64_t left_out_ = 0;
};

}  // namespace solec

// What one receiver has had of one sender's messages: they are numbered from 1, and each is
// expected to be one more than the last. One thread; a few bytes as long as all is well.
//
// A number that is skipped counts as missing. If it comes later it was reordered; if it never comes
// it was lost; a number that came before was doubled. Bounded: kGapsMax gaps are told apart, more
// are counted as missing for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace solec {

class SequenceCheck {
 public:
  static constexpr size_t kGapsMax = 4096;

  // Takes the next message's number.
  void Take(uint64_t number) {
    if (number == highest_ + 1) [[likely]] {
      ++highest_;
    } else {
      TakeUnexpected(number);
    }
  }

  // The highest number so far; 0: none came.
  uint64_t highest() const { return highest_; }
  uint64_t doubled() const { return doubled_; }
  uint64_t reordered() const { return reordered_; }
  // Lost, if the sender sent `sent` messages and nothing more is to come.
  uint64_t LostOf(uint64_t sent) const {
    return missing_ + (sent > highest_ ? sent - highest_ : 0);
  }

 private:
  struct Gap {
    uint64_t first, last;  // both missing
  };

  void TakeUnexpected(uint64_t number);

  uint64_t highest_ = 0;
  uint64_t missing_ = 0;
  uint64_t doubled_ = 0;
  uint64_t reordered_ = 0;
  std::vector<Gap> gaps_;  // rising
};

}  // namespace solec

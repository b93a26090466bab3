#include "link/incoming_stream.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace solec {

void IncomingStream::Begin(uint64_t held) {
  SOLEC_ASSERT(quiet());
  held_ = taken_ = held;
  early_.clear();
}

void IncomingStream::Restart() {
  SOLEC_ASSERT(quiet());
  taken_ = held_;
}

bool IncomingStream::NextIsHeld() const {
  if (next() <= held_) return true;
  if (early_.empty()) [[likely]] return false;
  const auto after = early_.upper_bound(next());
  return after != early_.begin() && std::prev(after)->second >= next();
}

bool IncomingStream::Take() {
  const bool is_new = !NextIsHeld();
  ++taken_;
  if (is_new) ++unsettled_;
  return is_new;
}

void IncomingStream::Settle(uint64_t number, uint64_t count, bool held) {
  SOLEC_ASSERT(count <= unsettled_);
  unsettled_ -= count;
  if (held) AddHeld(number, number + count - 1);
}

void IncomingStream::AddHeld(uint64_t first, uint64_t last) {
  if (first == held_ + 1 && early_.empty()) [[likely]] {
    held_ = std::max(held_, last);
    return;
  }
  first = std::max(first, held_ + 1);
  if (last < first) return;
  // All that it touches becomes one with it.
  auto at = early_.lower_bound(first);
  if (at != early_.begin() && std::prev(at)->second + 1 >= first) --at;
  while (at != early_.end() && at->first <= last + 1) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = early_.erase(at);
  }
  if (first == held_ + 1) held_ = last;
  else early_.emplace(first, last);
}

}  // namespace solec

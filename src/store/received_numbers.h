// Which numbers of a peer's stream are held: all up to one, and ranges beyond it, because several
// shards' messages commit in an order of their own. Pure. There are at most as many ranges as
// messages are under way from one peer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "store/peer_types.h"

namespace solec {

// first .. first + count - 1 are held from now on; those that were held already stay so.
inline void MarkNumbers(uint64_t first, uint64_t count, uint64_t* held,
                        std::vector<NumberRange>* early) {
  if (count == 0) return;
  NumberRange range{first, first + count - 1};
  if (range.last <= *held) return;
  // The ranges that touch it become one with it.
  auto begin = std::partition_point(
      early->begin(), early->end(),
      [&](const NumberRange& other) { return other.last + 1 < range.first; });
  auto end = begin;
  for (; end != early->end() && end->first <= range.last + 1; ++end) {
    range = {std::min(range.first, end->first), std::max(range.last, end->last)};
  }
  begin = early->erase(begin, end);
  if (range.first <= *held + 1) {
    *held = range.last;  // it was the first of them: nothing lies between
  } else {
    early->insert(begin, range);
  }
}

}  // namespace solec

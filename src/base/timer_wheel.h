// Deadlines for many objects: a hierarchical timing wheel (Varghese and Lauck, 1987). Setting,
// moving and cancelling cost the same for ten timers as for a million; a wheel without timers costs
// nothing. One timer per id; ids are small and dense (indices of a pool). Owned by one thread.
//
// Deadlines are rounded up to a tick of 16 ms: a timer never fires early. Those further away than
// the wheel reaches (some 3 days) wait in its last slot and are sorted again when it comes round.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/assert.h"

namespace solec {

class TimerWheel {
 public:
  static constexpr uint64_t kTickNs = 16'000'000;

  explicit TimerWheel(uint64_t now_ns) : tick_(now_ns / kTickNs) {
    for (auto& level : heads_) level.fill(kNone);
  }

  // Sets or moves the timer of `id`, which is not UINT32_MAX.
  void Set(uint32_t id, uint64_t deadline_ns);
  void Cancel(uint32_t id);
  bool IsSet(uint32_t id) const { return id < nodes_.size() && nodes_[id].list != kUnset; }

  // Calls expired(id) for every timer whose deadline has come; it may set and cancel timers,
  // its own included.
  template <class Expired>
  void Advance(uint64_t now_ns, Expired&& expired);

  // When Advance should be called next, at the latest; UINT64_MAX if no timer is set. May be
  // earlier than the first deadline (far timers are sorted more finely as they come near).
  uint64_t NextNs() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint16_t kUnset = UINT16_MAX;
  static constexpr uint32_t kSlotBits = 6, kSlots = 1u << kSlotBits, kLevels = 4;

  struct Node {
    uint64_t tick = 0;
    uint32_t next = kNone;
    uint32_t previous = kNone;
    uint16_t list = kUnset;  // level * kSlots + slot
  };

  void Link(uint32_t id);
  void Unlink(uint32_t id);
  void Cascade(uint32_t level);

  uint64_t tick_;  // every timer at or before it has fired
  std::array<std::array<uint32_t, kSlots>, kLevels> heads_;
  std::array<uint64_t, kLevels> occupied_{};  // one bit a slot
  std::vector<Node> nodes_;
};

template <class Expired>
void TimerWheel::Advance(uint64_t now_ns, Expired&& expired) {
  const uint64_t now_tick = now_ns / kTickNs;
  while (tick_ < now_tick) {
    if ((occupied_[0] | occupied_[1] | occupied_[2] | occupied_[3]) == 0) {
      tick_ = now_tick;
      return;
    }
    if (occupied_[0] == 0) {  // nothing until the next slot of level 1 is sorted out: jump there
      const uint64_t boundary = (tick_ | (kSlots - 1)) + 1;
      if (boundary > now_tick) {
        tick_ = now_tick;
        return;
      }
      tick_ = boundary;
    } else {
      ++tick_;
    }
    if ((tick_ & (kSlots - 1)) == 0) Cascade(1);
    uint32_t& head = heads_[0][tick_ & (kSlots - 1)];
    while (head != kNone) {
      const uint32_t id = head;
      Unlink(id);
      expired(id);
    }
  }
}

}  // namespace solec

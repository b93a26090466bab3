#include "base/timer_wheel.h"

#include <algorithm>

namespace solec {

void TimerWheel::Set(uint32_t id, uint64_t deadline_ns) {
  SOLEC_ASSERT(id != kNone);
  if (id >= nodes_.size()) nodes_.resize(std::max(size_t{id} + 1, nodes_.size() * 2));
  Node& node = nodes_[id];
  const uint64_t rounded = deadline_ns / kTickNs + (deadline_ns % kTickNs != 0);
  const uint64_t tick = std::max(rounded, tick_ + 1);
  if (node.list != kUnset) {
    if (node.tick == tick) return;
    Unlink(id);
  }
  node.tick = tick;
  Link(id);
}

void TimerWheel::Cancel(uint32_t id) {
  if (IsSet(id)) Unlink(id);
}

// Puts the node into the coarsest level at which its slot is not the current one. Level n's slots
// are 64^n ticks wide; a slot is sorted into finer ones when the wheel reaches it, and a timer that
// was out of reach, which keeps its tick, perhaps into the last slot again.
void TimerWheel::Link(uint32_t id) {
  Node& node = nodes_[id];
  constexpr uint64_t kSpan = uint64_t{1} << (kSlotBits * kLevels);
  const uint64_t tick = std::min(node.tick, tick_ + kSpan - (kSpan >> kSlotBits));
  uint32_t level = 0;
  while (level + 1 < kLevels &&
         (tick >> (kSlotBits * level)) - (tick_ >> (kSlotBits * level)) >= kSlots) {
    ++level;
  }
  const auto slot = static_cast<uint32_t>(tick >> (kSlotBits * level)) & (kSlots - 1);
  uint32_t& head = heads_[level][slot];
  node.list = static_cast<uint16_t>(level * kSlots + slot);
  node.previous = kNone;
  node.next = head;
  if (head != kNone) nodes_[head].previous = id;
  head = id;
  occupied_[level] |= uint64_t{1} << slot;
}

void TimerWheel::Unlink(uint32_t id) {
  Node& node = nodes_[id];
  const uint32_t level = node.list / kSlots, slot = node.list % kSlots;
  if (node.previous != kNone) nodes_[node.previous].next = node.next;
  else heads_[level][slot] = node.next;
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
  if (heads_[level][slot] == kNone) occupied_[level] &= ~(uint64_t{1} << slot);
  node.list = kUnset;
}

// The wheel has come to a new slot of `level`: its timers move to finer levels.
void TimerWheel::Cascade(uint32_t level) {
  if (level >= kLevels) return;
  const auto slot = static_cast<uint32_t>(tick_ >> (kSlotBits * level)) & (kSlots - 1);
  if (slot == 0) Cascade(level + 1);
  uint32_t id = heads_[level][slot];
  heads_[level][slot] = kNone;
  occupied_[level] &= ~(uint64_t{1} << slot);
  while (id != kNone) {
    const uint32_t next = nodes_[id].next;
    nodes_[id].list = kUnset;
    Link(id);
    id = next;
  }
}

uint64_t TimerWheel::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (uint32_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const uint64_t base = tick_ >> (kSlotBits * level);
    const auto at = static_cast<int>((base + 1) & (kSlots - 1));
    const int ahead = std::countr_zero(std::rotr(occupied_[level], at)) + 1;
    const uint64_t tick = (base + static_cast<uint64_t>(ahead)) << (kSlotBits * level);
    next = std::min(next, tick * kTickNs);
  }
  return next;
}

}  // namespace solec

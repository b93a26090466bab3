// A bounded ring of variable-sized records between exactly two threads: one produces, one consumes.
// Wait-free on both sides; no record is ever split or dropped: a full ring says so and the producer
// keeps its record. Records begin at multiples of 8 bytes and are contiguous in memory.
//
// Producer: `uint8_t* at = ring.Reserve(size)`, fill it, … any number of times, then Publish() once
// per batch. Consumer: `Peek(&size)`, use the bytes, `Pop()`, … then Release() once per batch.
// A reservation that was not published is invisible to the consumer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "base/assert.h"

namespace solec {

inline constexpr size_t kCacheLine = 64;

class SpscRing {
 public:
  // `capacity`: bytes, a power of two, at least 4 KiB. Memory that was never used stays untouched.
  explicit SpscRing(size_t capacity)
      : mask_(capacity - 1),
        bytes_(static_cast<uint8_t*>(::operator new(capacity, std::align_val_t{kCacheLine}))) {
    SOLEC_ASSERT(capacity >= 4096 && (capacity & mask_) == 0);
  }
  ~SpscRing() { ::operator delete(bytes_, std::align_val_t{kCacheLine}); }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // The largest record that always fits into an empty ring, wherever its head stands.
  size_t record_bytes_max() const { return (mask_ + 1) / 2 - 2 * kHeaderSize; }

  // --- producer ---

  // Room for a record of `size` bytes, 8-byte aligned, or nullptr if the ring is full for now.
  uint8_t* Reserve(size_t size) {
    SOLEC_ASSERT(size <= record_bytes_max());
    const size_t need = RecordSize(size);
    size_t offset = tail_reserved_ & mask_;
    const size_t to_end = mask_ + 1 - offset;
    const size_t skip = need > to_end ? to_end : 0;  // a record does not wrap: skip the rest
    if (tail_reserved_ + skip + need - head_seen_ > mask_ + 1) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail_reserved_ + skip + need - head_seen_ > mask_ + 1) return nullptr;
    }
    if (skip != 0) {
      PutHeader(offset, kSkip);
      tail_reserved_ += skip;
      offset = 0;
    }
    PutHeader(offset, size);
    last_offset_ = offset;
    tail_reserved_ += need;
    return bytes_ + offset + kHeaderSize;
  }

  // Makes the record that was reserved last, and is not published yet, longer by `more` bytes; they
  // are at the returned place, right behind the record's own. nullptr, and nothing has changed, if
  // there is no such record or no room.
  uint8_t* Extend(size_t more) {
    if (tail_reserved_ == tail_published_) return nullptr;
    const auto size = static_cast<size_t>(*reinterpret_cast<uint64_t*>(bytes_ + last_offset_));
    const size_t need = RecordSize(size + more);
    if (size + more > record_bytes_max() || last_offset_ + need > mask_ + 1) return nullptr;
    const uint64_t tail = tail_reserved_ - RecordSize(size) + need;
    if (tail - head_seen_ > mask_ + 1) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ > mask_ + 1) return nullptr;
    }
    PutHeader(last_offset_, size + more);
    tail_reserved_ = tail;
    return bytes_ + last_offset_ + kHeaderSize + size;
  }

  // Whether at least half of the ring is free.
  bool HalfFree() {
    head_seen_ = head_.load(std::memory_order_acquire);
    return tail_reserved_ - head_seen_ <= (mask_ + 1) / 2;
  }

  // Bytes that are reserved and, as far as was last seen, not given back yet.
  size_t UsedBytes() const { return static_cast<size_t>(tail_reserved_ - head_seen_); }

  // Makes all reservations visible to the consumer. True if there were any.
  bool Publish() {
    if (tail_reserved_ == tail_published_) return false;
    tail_published_ = tail_reserved_;
    tail_.store(tail_reserved_, std::memory_order_release);
    return true;
  }

  // --- consumer ---

  // The oldest record, or nullptr if there is none. It stays valid until Release.
  const uint8_t* Peek(size_t* size) {
    for (;;) {
      if (head_taken_ == tail_seen_) {
        tail_seen_ = tail_.load(std::memory_order_acquire);
        if (head_taken_ == tail_seen_) return nullptr;
      }
      const size_t offset = head_taken_ & mask_;
      const uint64_t header = *reinterpret_cast<const uint64_t*>(bytes_ + offset);
      if (header == kSkip) {
        head_taken_ += mask_ + 1 - offset;
        continue;
      }
      *size = static_cast<size_t>(header);
      return bytes_ + offset + kHeaderSize;
    }
  }

  // Steps over the record that Peek showed.
  void Pop() {
    const uint64_t header = *reinterpret_cast<const uint64_t*>(bytes_ + (head_taken_ & mask_));
    head_taken_ += RecordSize(static_cast<size_t>(header));
  }

  // Gives the popped records' room back to the producer. True if there were any.
  bool Release() {
    if (head_taken_ == head_released_) return false;
    head_released_ = head_taken_;
    head_.store(head_taken_, std::memory_order_release);
    return true;
  }

  // For a consumer about to sleep: whether something was published that Peek has not shown yet.
  bool HasPublished() const {
    return tail_.load(std::memory_order_seq_cst) != head_taken_;
  }

 private:
  static constexpr size_t kHeaderSize = 8;
  static constexpr uint64_t kSkip = UINT64_MAX;

  static size_t RecordSize(size_t size) { return (kHeaderSize + size + 7) & ~size_t{7}; }
  void PutHeader(size_t offset, uint64_t header) {
    *reinterpret_cast<uint64_t*>(bytes_ + offset) = header;
  }

  // Each side's hot fields on lines of their own; *_seen_ is the cached view of the other side.
  const size_t mask_;
  uint8_t* const bytes_;
  alignas(kCacheLine) std::atomic<uint64_t> tail_{0};  // written by the producer
  uint64_t tail_reserved_ = 0;
  uint64_t tail_published_ = 0;
  size_t last_offset_ = 0;  // of the record reserved last
  uint64_t head_seen_ = 0;
  alignas(kCacheLine) std::atomic<uint64_t> head_{0};  // written by the consumer
  uint64_t head_taken_ = 0;
  uint64_t head_released_ = 0;
  uint64_t tail_seen_ = 0;
};

}  // namespace solec

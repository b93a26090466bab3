// Bytes that the outputs of many connections refer to: encoded once, freed when the last has sent
// them. Counted without atomics: all of it happens on one shard's thread.
#pragma once

#include <cstdint>
#include <new>

#include "base/buffer_pool.h"

namespace solec {

class SharedBytes {
 public:
  // Made with one reference, which belongs to the caller. Holds up to `capacity` bytes.
  static SharedBytes* Create(BufferPool* pool, size_t capacity) {
    const size_t whole = BufferPool::RoundUp(sizeof(SharedBytes) + capacity);
    return new (pool->Take(whole)) SharedBytes(pool, static_cast<uint32_t>(whole));
  }

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  uint32_t size() const { return size_; }
  uint32_t room() const { return whole_ - static_cast<uint32_t>(sizeof(SharedBytes)) - size_; }
  void Grow(uint32_t size) { size_ += size; }  // after bytes were written at data() + size()

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) pool_->Give(reinterpret_cast<uint8_t*>(this), whole_);
  }

 private:
  SharedBytes(BufferPool* pool, uint32_t whole) : pool_(pool), whole_(whole) {}

  BufferPool* pool_;
  uint32_t whole_;
  uint32_t size_ = 0;
  uint32_t references_ = 1;
};

}  // namespace solec

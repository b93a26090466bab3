// Byte buffers in sizes of powers of two, recycled last in, first out, so that the one handed out
// is the one still in the cache, and so that nothing is allocated on the message path once it is
// warm. Free buffers beyond a bound go back to the allocator. Owned by one thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "base/assert.h"

namespace solec {

class BufferPool {
 public:
  static constexpr size_t kSizeMin = 64;
  static constexpr size_t kSizeMax = size_t{64} << 20;
  static constexpr size_t kFreeBytesMax = size_t{8} << 20;  // of each size

  BufferPool() = default;
  ~BufferPool() {
    for (std::vector<uint8_t*>& list : free_) {
      for (uint8_t* buffer : list) std::free(buffer);
    }
  }
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // The real size of a buffer that holds `size` bytes.
  static size_t RoundUp(size_t size) { return std::bit_ceil(size < kSizeMin ? kSizeMin : size); }

  // A buffer of RoundUp(size) bytes, aligned to 16. `size` is at most kSizeMax.
  uint8_t* Take(size_t size) {
    SOLEC_ASSERT(size <= kSizeMax);
    std::vector<uint8_t*>& list = free_[Class(size)];
    if (!list.empty()) [[likely]] {
      uint8_t* buffer = list.back();
      list.pop_back();
      return buffer;
    }
    auto* buffer = static_cast<uint8_t*>(std::malloc(RoundUp(size)));
    SOLEC_ASSERT(buffer != nullptr);
    return buffer;
  }

  // Bytes that are kept for the next Take of that size.
  size_t free_bytes(size_t size) const { return free_[Class(size)].size() * RoundUp(size); }

  // `size`: as in Take, or anything that rounds up to the same.
  void Give(uint8_t* buffer, size_t size) {
    std::vector<uint8_t*>& list = free_[Class(size)];
    if ((list.size() + 1) * RoundUp(size) > kFreeBytesMax) {
      std::free(buffer);
      return;
    }
    list.push_back(buffer);
  }

 private:
  static size_t Class(size_t size) {
    return static_cast<size_t>(std::countr_zero(RoundUp(size) / kSizeMin));
  }

  std::array<std::vector<uint8_t*>, std::bit_width(kSizeMax / kSizeMin)> free_;
};

}  // namespace solec

// The memory that a ring's receives land in: provided buffers, which the kernel takes only when
// bytes are there, so that an idle socket holds none. Owned by one UringIo, on its thread.
//
// Three ways, chosen once by what the kernel has (see uring_probe.h), and measured alike:
// - incremental: one large buffer is filled piece by piece, by whichever sockets have something;
//   small receives lie close together in the cache, large ones still fit. Linux 6.12.
// - bundles: one completion may span several buffers that follow each other. Linux 6.10.
// - plain: a buffer a completion.
// In all of them the bytes are looked at where they landed, and given back before the next
// completion: in a turn the kernel can run out of buffers, but never between two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "io/uring_compat.h"

namespace solec {

enum class ReceiveBufferMode : uint8_t { kPlain, kBundles, kIncremental };

class ReceiveBuffers {
 public:
  struct Options {
    ReceiveBufferMode mode = ReceiveBufferMode::kPlain;
    uint32_t count = 0;  // a power of two, at most 32768
    uint32_t bytes = 0;  // of each
  };
  static constexpr uint16_t kGroup = 0;

  ReceiveBuffers() = default;
  ~ReceiveBuffers();
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  // Maps and registers them; 0 or -errno. Once.
  int Register(io_uring* ring, const Options& options);

  // Prepares a receive to take its buffers from here. `many`: it may fill several at a time.
  void Select(io_uring_sqe* entry, bool many) const {
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kGroup;
    if (many && options_.mode == ReceiveBufferMode::kBundles) entry->ioprio |= kRecvsendBundle;
  }

  // Calls take(bytes) for each piece, in order, that a receive's completion brought, and gives the
  // buffers that are used up back to the kernel. `flags`, `result`: the completion's.
  template <class Take>
  void Consume(uint32_t flags, int result, Take&& take) {
    if ((flags & IORING_CQE_F_BUFFER) == 0) return;
    auto id = static_cast<uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
    size_t left = result > 0 ? static_cast<size_t>(result) : 0;
    if (options_.mode == ReceiveBufferMode::kIncremental) {
      uint32_t& used = used_[id];
      SOLEC_ASSERT(used + left <= options_.bytes);
      if (left != 0) take(Bytes(Buffer(id) + used, left));
      used += static_cast<uint32_t>(left);
      if ((flags & kCompletionBufferMore) != 0) return;
      used = 0;
      Give(id);
      return;
    }
    uint32_t place = place_[id];
    while (true) {
      const size_t size = left < options_.bytes ? left : options_.bytes;
      if (size != 0) take(Bytes(Buffer(id), size));
      left -= size;
      const uint16_t next = ring_->bufs[++place & (options_.count - 1)].bid;
      Give(id);
      if (left == 0) return;
      id = next;
    }
  }

 private:
  const uint8_t* Buffer(uint16_t id) const { return buffers_ + size_t{id} * options_.bytes; }
  void Give(uint16_t id);

  Options options_;
  io_uring_buf_ring* ring_ = nullptr;
  uint8_t* buffers_ = nullptr;
  uint32_t tail_ = 0;            // buffers given to the kernel since the beginning
  std::vector<uint32_t> used_;   // incremental: bytes of each buffer that are filled already
  std::vector<uint32_t> place_;  // otherwise: where in the ring each buffer was put last
};

}  // namespace solec

// What Debian's liburing 2.3 lacks or gets wrong in C++, in one place. Include this, and never
// <linux/io_uring.h>, before anything else of io_uring.
#pragma once

#include <liburing.h>

#include <cstddef>

// In C++ the kernel's header, included on its own, would lay the buffers out at offset 8.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0, "include <liburing.h> first");

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace solec {

// Constants of later kernels (include/uapi/linux/io_uring.h).
inline constexpr uint16_t kRecvsendBundle = 1 << 4;         // IORING_RECVSEND_BUNDLE, 6.10
inline constexpr uint32_t kFeatureBundle = 1u << 14;        // IORING_FEAT_RECVSEND_BUNDLE
inline constexpr uint16_t kBufferRingIncremental = 2;       // IOU_PBUF_RING_INC, 6.12
inline constexpr uint32_t kCompletionBufferMore = 1u << 4;  // IORING_CQE_F_BUF_MORE

// io_uring_enable_rings: liburing 2.3 declares it, and its shared library does not have it.
// 0 or -errno.
inline int EnableRing(io_uring* ring) {
  const long result =
      syscall(__NR_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  return result < 0 ? -errno : 0;
}

// io_uring_register_buf_ring with flags, which liburing 2.3 takes for padding. A kernel that does
// not know a flag answers -EINVAL. 0 or -errno.
inline int RegisterBufferRing(io_uring* ring, io_uring_buf_ring* buffers, uint32_t count,
                              uint16_t group, uint16_t flags) {
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(buffers);
  registration.ring_entries = count;
  registration.bgid = group;
  constexpr size_t kFlagsOffset = offsetof(io_uring_buf_reg, bgid) + sizeof(uint16_t);
  std::memcpy(reinterpret_cast<char*>(&registration) + kFlagsOffset, &flags, sizeof(flags));
  return io_uring_register_buf_ring(ring, &registration, 0);
}

}  // namespace solec

// What Debian's liburing 2.3 lacks or gets wrong in C++, in one place. Include this, and never
// <linux/io_uring.h>, before anything else of io_uring.
#pragma once

#include <liburing.h>

#include <cstddef>

// In C++ the kernel's header, included on its own, would lay the buffers out at offset 8.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0, "include <liburing.h> first");

#include <cerrno>

#include <sys/syscall.h>
#include <unistd.h>

namespace solec {

// io_uring_enable_rings: liburing 2.3 declares it, and its shared library does not have it.
// 0 or -errno.
inline int EnableRing(io_uring* ring) {
  const long result =
      syscall(__NR_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  return result < 0 ? -errno : 0;
}

}  // namespace solec

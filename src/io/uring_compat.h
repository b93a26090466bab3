// What Debian's liburing 2.3 lacks or gets wrong in C++, in one place. Include this, and never
// <linux/io_uring.h>, before anything else of io_uring.
#pragma once

#include <liburing.h>

#include <cstddef>

// In C++ the kernel's header, included on its own, would lay the buffers out at offset 8.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0, "include <liburing.h> first");

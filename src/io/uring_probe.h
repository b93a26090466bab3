// What this kernel's io_uring can do, asked once at start. What the server cannot do without is an
// error, whose text says what to do about it; what is merely better has a plain form to fall back
// on.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "io/receive_buffers.h"

namespace solec {

struct UringFeatures {
  bool incremental_buffers = false;  // Linux 6.12
  bool receive_bundles = false;      // Linux 6.10

  // In order of the work that a receive makes: incremental buffers save giving one back for each.
  ReceiveBufferMode BestReceiveBuffers() const {
    if (incremental_buffers) return ReceiveBufferMode::kIncremental;
    return receive_bundles ? ReceiveBufferMode::kBundles : ReceiveBufferMode::kPlain;
  }
};

// Any thread. PermissionDenied, with the remedy in the text, if io_uring is forbidden, too old or
// short of something.
absl::StatusOr<UringFeatures> ProbeUring();

// What to do about a ring that the kernel does not give; `error` is the errno.
absl::Status UringError(int error);

// "incremental", "bundles", "plain": for logs and the config.
std::string_view ReceiveBufferModeName(ReceiveBufferMode mode);

}  // namespace solec

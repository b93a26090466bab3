#include "io/uring_probe.h"

#include <cstring>

namespace solec {

absl::Status UringError(int error) {
  std::string text = std::string("io_uring: ") + std::strerror(error);
  switch (error) {
    case EPERM:
    case EACCES:
      text +=
          "; allow it with: sysctl kernel.io_uring_disabled=0, and in a container with a seccomp "
          "profile that permits io_uring_setup, io_uring_enter and io_uring_register";
      break;
    case ENOSYS:
      text +=
          "; the kernel has no io_uring, or a seccomp profile hides it; Linux 6.1 or later is "
          "needed";
      break;
    case ENOMEM:
      text +=
          "; raise the limit of locked memory (ulimit -l, LimitMEMLOCK=) or the container's "
          "memory";
      break;
    case EMFILE:
    case ENFILE:
      text += "; raise the limit of open files (ulimit -n, LimitNOFILE=)";
      break;
    case EINVAL:
      text += "; the kernel is too old, Linux 6.1 or later is needed";
      break;
    default:
      break;
  }
  return absl::PermissionDeniedError(text);
}

absl::StatusOr<UringFeatures> ProbeUring() {
  io_uring ring;
  io_uring_params parameters{};
  // What every ring of the server is made with (uring_io.cc says why).
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (int result = io_uring_queue_init_params(4, &ring, &parameters); result < 0) {
    return UringError(-result);
  }
  UringFeatures features;
  features.receive_bundles = (parameters.features & kFeatureBundle) != 0;
  int result = 0;
  for (const ReceiveBufferMode mode :
       {ReceiveBufferMode::kIncremental, ReceiveBufferMode::kPlain}) {
    ReceiveBuffers buffers;
    result = buffers.Register(&ring, {mode, 1, 4096});
    if (result == 0) {
      features.incremental_buffers = mode == ReceiveBufferMode::kIncremental;
      io_uring_unregister_buf_ring(&ring, ReceiveBuffers::kGroup);
      break;
    }
  }
  io_uring_queue_exit(&ring);
  if (result < 0) return UringError(-result);
  return features;
}

std::string_view ReceiveBufferModeName(ReceiveBufferMode mode) {
  switch (mode) {
    case ReceiveBufferMode::kPlain:
      return "plain";
    case ReceiveBufferMode::kBundles:
      return "bundles";
    case ReceiveBufferMode::kIncremental:
      return "incremental";
  }
  return "?";
}

}  // namespace solec

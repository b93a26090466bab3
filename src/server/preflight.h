// What the kernel or a container may forbid, found before the server starts and named with its
// remedy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "io/receive_buffers.h"

namespace solec {

// Raises the limit of open files as far as it may be raised, and asks the kernel what its io_uring
// can do: how receive buffers are to be used, as the config says or the best there is. Errors:
// PermissionDenied (io_uring), InvalidArgument (the config wants what this kernel does not have, or
// names a certificate or key that is none).
// `warnings` gets what will hurt later, and what the config asks for and this build does not have.
absl::StatusOr<ReceiveBufferMode> Preflight(const Config& config,
                                            std::vector<std::string>* warnings);

// What --check can try beyond that without disturbing a server that runs: whether the certificate
// has expired, and whether the endpoints, data_dir and the admin socket's path can be. Errors:
// InvalidArgument, PermissionDenied (port, data_dir).
absl::Status CheckEndpoints(const Config& config);

// How many files the server may come to have open; kUnlimited if there is no bound.
uint64_t OpenFilesWanted(const Limits& limits);

}  // namespace solec

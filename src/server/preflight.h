// What the kernel or a container may forbid, found before the server starts and named with its
// remedy.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "config/config.h"

namespace solec {

// Raises the limit of open files as far as it may be raised, and tries a ring. Errors:
// PermissionDenied (io_uring), ResourceExhausted. `warnings` gets what will hurt later.
absl::Status Preflight(const Config& config, std::vector<std::string>* warnings);

}  // namespace solec

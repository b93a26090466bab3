// What the exit status of solec means, as sysexits.h numbers it. Values; any thread.
#pragma once

#include "absl/status/status.h"

namespace solec {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;         // wrong flags or arguments
inline constexpr int kExitUnavailable = 69;   // the server cannot be reached, or hung up
inline constexpr int kExitNotPermitted = 77;  // wrong password, or no right to the admin socket

int ExitCodeFor(const absl::Status& status);

// Prints "solec: " and what failed to stderr; returns the exit code for it.
int ReportFailure(const absl::Status& status);

}  // namespace solec

// The command line of solecd, and its exit codes (sysexits.h).
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace solec {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitUnavailable = 69;   // address in use
inline constexpr int kExitNotPermitted = 77;  // io_uring, port
inline constexpr int kExitConfig = 78;

struct CommandLine {
  std::string config_path;
  bool check = false;
  bool print_default_config = false;
  bool dev = false;
};

// The exit code, if there is nothing more to do (help, version, wrong flags: already printed).
std::optional<int> ParseCommandLine(int argc, char** argv, CommandLine* line);

// Prints "solecd: " and what failed to stderr; returns the exit code for it.
int ReportFailure(const absl::Status& status);

}  // namespace solec

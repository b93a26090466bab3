// Where passwords come from. They are never taken from the command line, which everybody on the
// machine can read.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace solec {

// For people: the file if one is given, else SOLEC_PASSWORD, else the terminal is asked without
// echo. kInvalidArgument, saying what to do, if there is none of them.
absl::StatusOr<std::string> FindPassword(const std::string& file, const std::string& user);

// For operators, who set somebody's password: the file, or standard input ("-" or no file); a
// terminal is asked without echo.
absl::StatusOr<std::string> ReadNewPassword(const std::string& file, const std::string& user);

}  // namespace solec

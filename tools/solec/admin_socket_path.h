// Where a server's config says that its admin socket is.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace solec {

// [admin] socket, else admin.sock in [server] data_dir. kInvalidArgument if the file cannot be read
// or names neither.
absl::StatusOr<std::string> AdminSocketPath(const std::string& config_file);

}  // namespace solec

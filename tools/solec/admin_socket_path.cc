#include "tools/solec/admin_socket_path.h"

#include "config/config.h"

namespace solec {

absl::StatusOr<std::string> AdminSocketPath(const std::string& config_file) {
  const absl::StatusOr<Config> config = LoadConfig(config_file);
  if (!config.ok()) {
    return absl::InvalidArgumentError(std::string(config.status().message()));
  }
  if (!config->admin_socket.empty()) return config->admin_socket;
  return absl::InvalidArgumentError(
      config_file +
      " names no admin socket: it has neither [admin] socket nor [server] data_dir; give --socket "
      "PATH");
}

}  // namespace solec

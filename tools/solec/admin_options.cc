#include "tools/solec/admin_options.h"

#include "tools/solec/admin_socket_path.h"
#include "tools/solec/duration.h"

namespace solec {

void AddAdminOptions(CLI::App* verb, AdminOptions* options) {
  verb->add_option("--config", options->config, "The server's config file")
      ->type_name("FILE");
  verb->add_option("--socket", options->socket, "The admin socket itself, instead of --config")
      ->type_name("PATH");
  verb->add_option("--timeout", options->timeout, "How long to wait for an answer [10s]")
      ->type_name("TIME");
  verb->add_flag("--json", options->json, "One JSON object per line on standard output");
}

absl::StatusOr<int64_t> TimeoutMs(const AdminOptions& options) {
  constexpr int64_t kTimeoutMs = 10'000;
  if (options.timeout.empty()) return kTimeoutMs;
  return ParseDurationMs(options.timeout);
}

absl::StatusOr<AdminClient> ConnectAdmin(const AdminOptions& options, bool* nobody_listens) {
  const absl::StatusOr<int64_t> timeout_ms = TimeoutMs(options);
  if (!timeout_ms.ok()) return timeout_ms.status();
  if (!options.socket.empty()) {
    return AdminClient::Connect(options.socket, *timeout_ms, nobody_listens);
  }
  if (options.config.empty()) {
    return absl::InvalidArgumentError(
        "say which server: --config FILE (the config that solecd was started with) or --socket "
        "PATH; for `solecd --dev` that is --socket var/admin.sock");
  }
  const absl::StatusOr<std::string> path = AdminSocketPath(options.config);
  if (!path.ok()) return path.status();
  return AdminClient::Connect(*path, *timeout_ms, nobody_listens);
}

}  // namespace solec

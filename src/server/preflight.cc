#include "server/preflight.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "admin/admin_socket.h"
#include "io/endpoint.h"
#include "io/uring_probe.h"
#include "server/data_dir.h"
#include "server/tls_files.h"

namespace solec {

// Files that the server itself has open, beside its connections.
static constexpr uint64_t kOwnFiles = 64;

uint64_t OpenFilesWanted(const Limits& limits) {
  if (limits.connections_max >= kUnlimited - kOwnFiles) return kUnlimited;
  return limits.connections_max + kOwnFiles;
}

static void RaiseOpenFiles(const Config& config, std::vector<std::string>* warnings) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const uint64_t wanted = OpenFilesWanted(config.limits);
  // Root may also raise the hard limit.
  rlimit raised{std::max<rlim_t>(files.rlim_max, wanted), std::max<rlim_t>(files.rlim_max, wanted)};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    raised = {files.rlim_max, files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < wanted) {
    warnings->push_back("only " + std::to_string(files.rlim_cur) +
                        " files may be open, fewer than connections_max asks for; raise it with "
                        "`ulimit -n` or LimitNOFILE= in the unit, or lower connections_max");
  }
}

// What is asked for in vain must not look as if it were there.
static void NameWhatIsMissing(const Config& config, std::vector<std::string>* warnings) {
  if (config.data_dir.empty()) {
    warnings->push_back(
        "no data_dir: accounts, channels and waiting messages live in memory and end with the "
        "server, and there is no history");
  }
}

absl::Status CheckEndpoints(const Config& config) {
  std::vector<std::string> unused;
  const absl::StatusOr<std::shared_ptr<const TlsContext>> tls = LoadTls(config, {}, &unused);
  if (!tls.ok()) return tls.status();
  if (absl::Status valid = CheckNotExpired(**tls, config); !valid.ok()) return valid;
  std::vector<std::string> endpoints = config.listen;
  endpoints.insert(endpoints.end(), config.listen_tls.begin(), config.listen_tls.end());
  if (!config.admin_listen.empty()) endpoints.push_back(config.admin_listen);
  for (const std::string& endpoint : endpoints) {
    const absl::StatusOr<int> fd = OpenListener(endpoint, false);
    if (fd.ok()) close(*fd);
    // In use: by the server that runs with this very config, perhaps.
    else if (!absl::IsUnavailable(fd.status()))
      return fd.status();
  }
  if (!config.data_dir.empty()) {
    if (absl::Status status = CheckDataDir(config.data_dir); !status.ok()) return status;
  }
  return AdminSocket::CheckPath(config.admin_socket);
}

absl::StatusOr<ReceiveBufferMode> Preflight(const Config& config,
                                            std::vector<std::string>* warnings) {
  NameWhatIsMissing(config, warnings);
  const auto tls = LoadTls(config, {}, warnings);
  if (!tls.ok()) return tls.status();
  RaiseOpenFiles(config, warnings);
  const absl::StatusOr<UringFeatures> features = ProbeUring();
  if (!features.ok()) return features.status();
  if (config.receive_buffers == "auto") return features->BestReceiveBuffers();
  if (config.receive_buffers == "plain") return ReceiveBufferMode::kPlain;
  const bool bundles = config.receive_buffers == "bundles";
  if (bundles ? features->receive_bundles : features->incremental_buffers) {
    return bundles ? ReceiveBufferMode::kBundles : ReceiveBufferMode::kIncremental;
  }
  return absl::InvalidArgumentError(
      "io.receive_buffers = \"" + config.receive_buffers + "\": this kernel does not have it (" +
      (bundles ? "Linux 6.10" : "Linux 6.12") + " does); write \"auto\"");
}

}  // namespace solec

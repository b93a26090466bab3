#include "server/preflight.h"

#include <sys/resource.h>

#include <algorithm>

#include "io/uring_io.h"

namespace solec {

// Files that the server itself has open, beside its connections.
static constexpr uint64_t kOwnFiles = 64;

static void RaiseOpenFiles(const Config& config, std::vector<std::string>* warnings) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const uint64_t wanted = config.limits.connections_max + kOwnFiles;
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

absl::Status Preflight(const Config& config, std::vector<std::string>* warnings) {
  RaiseOpenFiles(config, warnings);
  return UringIo::Create({}).status();
}

}  // namespace solec

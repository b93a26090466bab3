#include "tools/solec/exit_code.h"

#include <cstdio>
#include <string>

#include "tools/solec/safe_text.h"

namespace solec {

int ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kPermissionDenied:
      return kExitNotPermitted;
    default:
      return kExitFailure;
  }
}

int ReportFailure(const absl::Status& status) {
  const std::string text(status.message());
  std::fprintf(stderr, "solec: %s\n", SafeText(text).c_str());
  return ExitCodeFor(status);
}

}  // namespace solec

#include "bench/run_program.h"

#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bench/process_stats.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
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

int Complain(const char* program, const absl::Status& status) {
  const std::string text(status.message());
  std::fprintf(stderr, "%s: %s\n", program, text.c_str());
  return ExitCodeOf(status);
}

absl::Status Report(const ProgramOptions& options, const RunReport& report) {
  if (options.json_file != "-") std::fputs(ReportAsText(report).c_str(), stdout);
  absl::Status status;
  if (!options.json_file.empty()) status = WriteReport(options.json_file, ReportAsJson(report));
  if (!options.html_file.empty()) {
    status.Update(WriteReport(options.html_file, ReportAsHtml(report)));
  }
  return status;
}

}  // namespace

absl::Status PrepareProgram(const ProgramOptions& options) {
  if (options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(options.cpu, &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
      return absl::InvalidArgumentError("--cpu " + std::to_string(options.cpu) + ": " +
                                        std::strerror(errno));
    }
  }
  if (options.server_pid != 0) {
    const absl::StatusOr<ProcessStats> stats = ReadProcessStats(options.server_pid);
    if (!stats.ok()) {
      return absl::InvalidArgumentError("--server-pid: " + std::string(stats.status().message()));
    }
  }
  prctl(PR_SET_TIMERSLACK, 1);  // an open loop must wake when its next message is due
  return absl::OkStatus();
}

int FinishProgram(const char* program, const ProgramOptions& options, const absl::Status& status,
                  RunReport* report) {
  if (!status.ok() && ExitCodeOf(status) != kExitFailure) return Complain(program, status);
  if (!status.ok()) report->notes.push_back("the run broke off: " + std::string(status.message()));
  if (absl::Status written = Report(options, *report); !written.ok()) {
    return Complain(program, written);
  }
  if (!status.ok()) return Complain(program, status);
  return report->failed() ? kExitFailure : kExitDone;
}

}  // namespace solec

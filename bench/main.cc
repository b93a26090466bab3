// solec-bench: reads the command line, runs one scenario, reports.
#include <sched.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "bench/bench_options.h"
#include "bench/process_stats.h"
#include "bench/run_report.h"
#include "bench/scenarios.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

struct Scenario {
  std::string_view name;
  absl::Status (*run)(const BenchOptions&, ClientPool*, RunReport*);
};

constexpr Scenario kScenarios[] = {
    {"direct", RunDirect}, {"fanout", RunFanout}, {"latency", RunDirect}, {"idle", RunIdle},
    {"login", RunLogin},   {"shards", RunShards}, {"churn", RunChurn},    {"history", RunHistory},
};

std::string Counted(uint32_t count, const std::string& what) {
  return ", " + std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string Title(const BenchOptions& options) {
  const TrafficOptions& traffic = options.traffic;
  std::string title = "solec-bench " + options.scenario;
  if (options.scenario == "idle") return title + Counted(options.connections, "connection");
  if (options.scenario == "history") {
    title += Counted(options.pairs, "chat");
    if (options.fill != 0) title += ", " + ShortNumber(static_cast<double>(options.fill)) + " sent";
    return title + ", pages of " + std::to_string(options.page);
  }
  if (options.scenario == "login") return title + Counted(traffic.window, "login") + " at a time";
  const bool one = options.scenario == "latency" && traffic.rate == 0;
  title += options.scenario == "fanout" ? Counted(options.members, "member")
                                        : Counted(one ? 1 : options.pairs, "pair");
  title += traffic.rate > 0 ? ", " + ShortNumber(traffic.rate) + " messages/s"
                            : ", window " + std::to_string(one ? 1 : traffic.window);
  if (traffic.form == SendForm::kSingle) title += ", one message a send";
  title += ", " + std::to_string(traffic.content_bytes) + " bytes";
  if (options.receipts) title += ", receipts";
  return options.raw ? title + ", raw" : title;
}

uint32_t ExpectedClients(const BenchOptions& options) {
  if (options.scenario == "fanout") return options.members + 1;
  if (options.scenario == "idle") return options.connections;
  if (options.scenario == "login") return options.traffic.window;
  return 2 * options.pairs;
}

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

int Complain(const absl::Status& status) {
  const std::string text(status.message());
  std::fprintf(stderr, "solec-bench: %s\n", text.c_str());
  return ExitCodeOf(status);
}

absl::Status PinTo(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  if (sched_setaffinity(0, sizeof(cpus), &cpus) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError("--cpu " + std::to_string(cpu) + ": " + std::strerror(errno));
}

absl::Status Report(const BenchOptions& options, const RunReport& report) {
  if (options.json_file != "-") std::fputs(ReportAsText(report).c_str(), stdout);
  absl::Status status;
  if (!options.json_file.empty()) status = WriteReport(options.json_file, ReportAsJson(report));
  if (!options.html_file.empty()) {
    status.Update(WriteReport(options.html_file, ReportAsHtml(report)));
  }
  return status;
}

int Run(const BenchOptions& options) {
  if (options.cpu >= 0) {
    if (absl::Status status = PinTo(options.cpu); !status.ok()) return Complain(status);
  }
  if (options.server_pid != 0) {
    const absl::StatusOr<ProcessStats> stats = ReadProcessStats(options.server_pid);
    if (!stats.ok()) {
      return Complain(
          absl::InvalidArgumentError("--server-pid: " + std::string(stats.status().message())));
    }
  }
  prctl(PR_SET_TIMERSLACK, 1);  // an open loop must wake when its next message is due
  absl::StatusOr<std::unique_ptr<ClientPool>> pool =
      ClientPool::Create(options.connect, ExpectedClients(options));
  if (!pool.ok()) return Complain(pool.status());
  (*pool)->SetSpin(options.spin);
  RunReport report;
  report.title = Title(options);
  absl::Status status;
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name == options.scenario) status = scenario.run(options, pool->get(), &report);
  }
  if (status.ok()) (*pool)->CloseAll();
  if (!status.ok() && ExitCodeOf(status) != kExitFailure) return Complain(status);
  if (!status.ok()) report.notes.push_back("the run broke off: " + std::string(status.message()));
  if (absl::Status written = Report(options, report); !written.ok()) return Complain(written);
  if (!status.ok()) return Complain(status);
  return report.failed() ? kExitFailure : kExitDone;
}

}  // namespace
}  // namespace solec

int main(int argc, char** argv) {
  solec::BenchOptions options;
  if (const std::optional<int> exit_code = solec::ParseBenchOptions(argc, argv, &options)) {
    return *exit_code;
  }
  return solec::Run(options);
}

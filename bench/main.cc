// solec-bench: reads the command line, runs one scenario, reports.
#include <memory>

#include "bench/bench_options.h"
#include "bench/run_program.h"
#include "bench/scenarios.h"

namespace solec {
namespace {

struct Scenario {
  std::string_view name;
  absl::Status (*run)(const BenchOptions&, ClientPool*, RunReport*);
};

constexpr Scenario kScenarios[] = {
    {"direct", RunDirect}, {"fanout", RunFanout}, {"latency", RunDirect}, {"idle", RunIdle},
    {"login", RunLogin},   {"shards", RunShards}, {"churn", RunChurn},    {"history", RunHistory},
    {"federation", RunFederation}, {"partition", RunPartition},
    {"tls", RunTls},
};

std::string Counted(uint32_t count, const std::string& what) {
  return ", " + std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string Title(const BenchOptions& options) {
  const TrafficOptions& traffic = options.traffic;
  std::string title = "solec-bench " + options.scenario;
  if (options.scenario == "idle") {
    title += Counted(options.connections, "connection");
    return options.tls ? title + ", TLS" : title;
  }
  if (options.scenario == "history") {
    title += Counted(options.pairs, "chat");
    if (options.fill != 0) title += ", " + ShortNumber(static_cast<double>(options.fill)) + " sent";
    return title + ", pages of " + std::to_string(options.page);
  }
  if (options.scenario == "login" || options.scenario == "tls") {
    title += Counted(traffic.window, "login") + " at a time";
    return options.tls && options.scenario == "login" ? title + ", TLS" : title;
  }
  const bool one = options.scenario == "latency" && traffic.rate == 0;
  title += options.scenario == "fanout" ? Counted(options.members, "member")
                                        : Counted(one ? 1 : options.pairs, "pair");
  title += traffic.rate > 0 ? ", " + ShortNumber(traffic.rate) + " messages/s"
                            : ", window " + std::to_string(one ? 1 : traffic.window);
  if (traffic.form == SendForm::kSingle) title += ", one message a send";
  title += ", " + std::to_string(traffic.content_bytes) + " bytes";
  if (options.receipts) title += ", receipts";
  if (options.tls) title += ", TLS";
  return options.raw ? title + ", raw" : title;
}

uint32_t ExpectedClients(const BenchOptions& options) {
  if (options.scenario == "fanout") return options.members + 1;
  if (options.scenario == "idle") return options.connections;
  if (options.scenario == "login" || options.scenario == "tls") return options.traffic.window;
  return 2 * options.pairs;
}

int Run(const BenchOptions& options) {
  constexpr const char* kProgram = "solec-bench";
  RunReport report;
  report.title = Title(options);
  absl::Status status = PrepareProgram(options.program);
  if (!status.ok()) return FinishProgram(kProgram, options.program, status, &report);
  absl::StatusOr<std::unique_ptr<ClientPool>> pool =
      ClientPool::Create(options.connect, ExpectedClients(options));
  if (!pool.ok()) return FinishProgram(kProgram, options.program, pool.status(), &report);
  (*pool)->SetSpin(options.spin);
  if (options.tls) status = (*pool)->UseTls(/*resume=*/false);
  if (!status.ok()) return FinishProgram(kProgram, options.program, status, &report);
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name == options.scenario) status = scenario.run(options, pool->get(), &report);
  }
  if (status.ok()) (*pool)->CloseAll();
  return FinishProgram(kProgram, options.program, status, &report);
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

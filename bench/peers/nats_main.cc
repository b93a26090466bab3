// solec-nats: publishes to NATS JetStream and waits for its acknowledgements, as `solec-bench
// direct
// --receipts` does with a SOLEC server. For comparisons: bench/compare-durable.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "bench/measurement.h"
#include "bench/peers/nats_control.h"
#include "bench/peers/nats_publishers.h"
#include "bench/run_program.h"
#include "bench/steady_clock.h"
#include "tools/solec/duration.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

constexpr const char* kProgram = "solec-nats";
constexpr uint16_t kUsualPort = 4222;
constexpr uint64_t kStallNs = 5'000'000'000;

struct NatsRun {
  std::string connect;
  NatsOptions load;
  uint64_t duration_ns = 0;
  uint64_t warmup_ns = 0;
  ProgramOptions program;
};

// Turns until a moment, or until all is answered; false if for a while nothing came.
bool TurnUntil(uint64_t end_ns, bool until_answered, NatsPublishers* publishers) {
  uint64_t seen = publishers->accepted();
  uint64_t moved_ns = SteadyNs();
  while (publishers->status().ok() && !(until_answered && publishers->AllAnswered())) {
    const uint64_t now = SteadyNs();
    if (now >= end_ns) return true;
    if (std::exchange(seen, publishers->accepted()) != publishers->accepted()) moved_ns = now;
    if (now - moved_ns > kStallNs) return false;
    publishers->Turn(std::min(end_ns - now, kNsPerSecond));
  }
  return true;
}

absl::Status CheckStreams(const NatsRun& run, const NatsPublishers& publishers,
                          NatsControl* control, RunReport* report) {
  uint64_t kept = 0;
  for (uint32_t stream = 0; stream < run.load.streams; ++stream) {
    absl::StatusOr<uint64_t> count = control->CountMessages(NatsPublishers::StreamName(stream));
    if (!count.ok()) return count.status();
    kept += *count;
  }
  report->Add("kept", "messages in the streams", static_cast<double>(kept));
  report->checked = true;
  report->lost = publishers.accepted() - std::min(kept, publishers.accepted());
  report->damaged = publishers.damaged();
  report->unaccepted = publishers.sent() - publishers.accepted();
  if (publishers.refused() != 0) {
    report->errors[publishers.first_refusal()] = publishers.refused();
  }
  return absl::OkStatus();
}

absl::Status Run(const NatsRun& run, RunReport* report) {
  absl::StatusOr<ServerAddress> server = FindServer(run.connect, kUsualPort);
  if (!server.ok()) return server.status();
  absl::StatusOr<std::unique_ptr<NatsControl>> control = NatsControl::Connect(*server);
  if (!control.ok()) return control.status();
  for (uint32_t stream = 0; stream < run.load.streams; ++stream) {
    absl::Status status = (*control)->CreateStream(NatsPublishers::StreamName(stream),
                                                   NatsPublishers::StreamSubjects(stream));
    if (!status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<NatsPublishers>> made = NatsPublishers::Create(*server, run.load);
  if (!made.ok()) return made.status();
  NatsPublishers* const publishers = made->get();
  if (absl::Status status = publishers->OpenAll(); !status.ok()) return status;
  publishers->Start();
  bool went_well = TurnUntil(SteadyNs() + run.warmup_ns, false, publishers);
  Measurement measurement(run.program.server_pid);
  const uint64_t begin_ns = SteadyNs();
  publishers->Measure(begin_ns, begin_ns + run.duration_ns);
  absl::Status status = measurement.Begin(begin_ns, publishers->accepted());
  if (went_well && status.ok()) {
    went_well = TurnUntil(begin_ns + run.duration_ns, false, publishers);
  }
  status.Update(measurement.End(SteadyNs(), publishers->accepted()));
  publishers->Stop();
  if (went_well) went_well = TurnUntil(UINT64_MAX, true, publishers);
  status.Update(publishers->status());
  if (!went_well) status.Update(absl::AbortedError("for 5 s nothing was acknowledged"));
  if (!status.ok()) return status;
  measurement.AddTo(report, "accepted", "", false);
  report->Add("sent", "messages sent, in all", static_cast<double>(publishers->sent()));
  report->latencies.push_back({"receipts", "latency of receipts", publishers->latency()});
  return CheckStreams(run, *publishers, control->get(), report);
}

// 0 if the text is no time.
uint64_t TimeNs(const std::string& text) {
  const absl::StatusOr<int64_t> ms = ParseDurationMs(text);
  return ms.ok() ? static_cast<uint64_t>(*ms) * 1'000'000 : 0;
}

// If the program is to end at once: its exit status.
std::optional<int> Parse(int argc, char** argv, NatsRun* run) {
  CLI::App app("Publishes to NATS JetStream and waits until it is acknowledged.", kProgram);
  app.footer("The server needs JetStream (-js) and none of the streams bench0, bench1, … yet.");
  std::string duration = "10s", warmup = "2s";
  NatsOptions& load = run->load;
  app.add_option("--connect", run->connect, "The server")->required()->type_name("HOST:PORT");
  app.add_option("--connections", load.connections, "Publishers")->check(CLI::Range(1, 20'000));
  app.add_option("--window", load.window, "Messages of a publisher that are not acknowledged")
      ->check(CLI::Range(1, 65'536));
  app.add_option("--streams", load.streams, "Streams that the publishers are spread over")
      ->check(CLI::Range(1, 1'000));
  app.add_option("--size", load.content_bytes, "Bytes of a message")->check(CLI::Range(1, 61'440));
  app.add_option("--duration", duration, "How long to measure");
  app.add_option("--warmup", warmup, "How long to run before that (0 for none)");
  app.add_option("--seed", load.seed, "Of contents");
  app.add_option("--server-pid", run->program.server_pid, "Measure that process's CPU and memory");
  app.add_option("--cpu", run->program.cpu, "Run on this CPU only");
  app.add_option("--json", run->program.json_file, "Write the results there (-: stdout, no text)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "%s: %s\n", kProgram, error.what());
    return kExitUsage;
  }
  run->duration_ns = TimeNs(duration);
  run->warmup_ns = TimeNs(warmup);
  if (run->duration_ns == 0 || (run->warmup_ns == 0 && warmup != "0" && warmup != "0s")) {
    std::fprintf(stderr, "%s: --duration, --warmup: write for example 500ms or 10s\n", kProgram);
    return kExitUsage;
  }
  return std::nullopt;
}

}  // namespace
}  // namespace solec

int main(int argc, char** argv) {
  solec::NatsRun run;
  if (const std::optional<int> exit_code = solec::Parse(argc, argv, &run)) return *exit_code;
  solec::RunReport report;
  report.title = "solec-nats, " + std::to_string(run.load.connections) + " publishers, window " +
                 std::to_string(run.load.window) + ", " + std::to_string(run.load.content_bytes) +
                 " bytes, " + std::to_string(run.load.streams) + " stream(s)";
  absl::Status status = solec::PrepareProgram(run.program);
  if (status.ok()) status = solec::Run(run, &report);
  return solec::FinishProgram(solec::kProgram, run.program, status, &report);
}

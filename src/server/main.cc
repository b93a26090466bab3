// solecd: reads the command line, starts a server, and waits for signals.

#include <csignal>
#include <cstdio>
#include <future>
#include <thread>

#include <unistd.h>

#include "config/config.h"
#include "server/closed_store.h"
#include "server/command_line.h"
#include "server/dev_mode.h"
#include "server/log.h"
#include "server/preflight.h"
#include "server/server.h"
#include "server/tls_files.h"

namespace solec {
namespace {

constexpr uint64_t kDrainTimeoutMs = 10'000;

// Threads inherit the mask: signals come to nobody but WaitForEnd.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void Reload(Server* server) {
  const absl::Status status = server->Reload();
  if (status.ok()) {
    spdlog::info("configuration reloaded");
  } else {
    spdlog::error("configuration not reloaded, the old one stays: {}",
                  std::string(status.message()));
  }
}

// Waits for TERM or INT, drains, and returns; a second one ends the draining.
void WaitForEnd(Server* server, const sigset_t& signals) {
  int signal = 0;
  for (;;) {
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    Reload(server);
  }
  spdlog::info("draining: no new connections, sessions end");
  std::future<bool> drained =
      std::async(std::launch::async, [server] { return server->Drain(kDrainTimeoutMs); });
  const timespec step{0, 5'000'000};
  while (drained.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    const int second = sigtimedwait(&signals, nullptr, &step);
    if (second == SIGTERM || second == SIGINT) {
      spdlog::warn("stopped at once");
      std::fflush(nullptr);
      _exit(0);
    }
  }
  if (!drained.get()) spdlog::warn("some sessions did not end in time");
}

// Before there is a server: so nobody logs in while passwords are set.
absl::StatusOr<std::string> SetUpDevStore(const Config& config, const std::string& program) {
  absl::StatusOr<std::unique_ptr<ClosedStore>> store = ClosedStore::Open(
      config, [](std::string_view text) { spdlog::warn("store: {}", text); });
  if (!store.ok()) return store.status();
  return SetUpDev((*store)->control(), program);
}

int Run(const CommandLine& line, const std::string& program) {
  absl::StatusOr<Config> config = line.dev ? DevConfig() : LoadConfig(line.config_path);
  if (!config.ok()) return ReportFailure(config.status());
  SetUpLog(config->log_level, config->log_json);
  std::vector<std::string> warnings;
  const absl::StatusOr<ReceiveBufferMode> buffers = Preflight(*config, &warnings);
  if (!buffers.ok()) return ReportFailure(buffers.status());
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  if (line.check) {
    if (absl::Status status = CheckEndpoints(*config); !status.ok()) return ReportFailure(status);
    if (!config->tls_certificate.empty()) {
      std::vector<std::string> warned;
      const auto tls = LoadTls(*config, {}, &warned);
      if (tls.ok()) spdlog::info("{}", TlsText(**tls));
    }
    std::fputs(FormatConfig(*config).c_str(), stdout);
    return 0;
  }
  const sigset_t signals = BlockSignals();
  absl::StatusOr<std::string> dev_hints;
  if (line.dev) {
    dev_hints = SetUpDevStore(*config, program);
    if (!dev_hints.ok()) return ReportFailure(dev_hints.status());
  }
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(
      *config, line.config_path, *buffers, [] { kill(getpid(), SIGTERM); });
  if (!server.ok()) return ReportFailure(server.status());
  if (line.dev) std::fputs(dev_hints->c_str(), stderr);
  std::printf("%s\n", (*server)->ReadyLine().c_str());
  std::fflush(stdout);
  WaitForEnd(server->get(), signals);
  server->reset();
  spdlog::info("stopped");
  return 0;
}

}  // namespace
}  // namespace solec

int main(int argc, char** argv) {
  solec::CommandLine line;
  if (const std::optional<int> exit_code = solec::ParseCommandLine(argc, argv, &line)) {
    return *exit_code;
  }
  if (line.print_default_config) {
    std::fputs(solec::DefaultConfigText().c_str(), stdout);
    return 0;
  }
  return solec::Run(line, argv[0]);
}

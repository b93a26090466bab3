// solec-relay: reads the command line and runs one of the relays.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/relay/relay.h"
#include "io/endpoint.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

int Complain(const absl::Status& status) {
  const std::string text(status.message());
  std::fprintf(stderr, "solec-relay: %s\n", text.c_str());
  if (status.code() == absl::StatusCode::kInvalidArgument) return kExitUsage;
  if (status.code() == absl::StatusCode::kUnavailable) return kExitUnavailable;
  return kExitFailure;
}

int RunRelay(int argc, char** argv) {
  std::string engine = "uring", mode = "pairs", listen = "127.0.0.1:0";
  CLI::App app("Forwards bytes and parses nothing: the floor that servers are measured against.",
               "solec-relay");
  app.add_option("--engine", engine)
      ->check(CLI::IsMember({"uring", "epoll"}))
      ->capture_default_str();
  app.add_option("--mode", mode, "pairs: connection i to i ^ 1; fanout: the first to all others")
      ->check(CLI::IsMember({"pairs", "fanout"}))
      ->capture_default_str();
  app.add_option("--listen", listen, "Port 0: any free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.footer(
      "Drive it with solec-bench --raw. It prints \"ready listen=HOST:PORT\"; SIGTERM ends it.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "solec-relay: %s\nTry: solec-relay --help\n", error.what());
    return kExitUsage;
  }
  const absl::StatusOr<int> listener = OpenListener(listen, false);
  if (!listener.ok()) return Complain(listener.status());
  std::printf("ready listen=%s\n", LocalAddress(*listener).c_str());
  std::fflush(stdout);
  const RelayMode relay_mode = mode == "pairs" ? RelayMode::kPairs : RelayMode::kFanout;
  return Complain(engine == "epoll" ? RunEpollRelay(*listener, relay_mode)
                                    : RunUringRelay(*listener, relay_mode));
}

}  // namespace
}  // namespace solec

int main(int argc, char** argv) {
  return solec::RunRelay(argc, argv);
}

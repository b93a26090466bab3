#include "tools/solec/listen_verb.h"

#include <csignal>
#include <cstdio>

#include "client/error_status.h"
#include "tools/solec/account_options.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/duration.h"
#include "tools/solec/event_text.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

struct ListenOptions {
  AccountOptions account;
  uint64_t count = 0;  // 0: not given
};

volatile sig_atomic_t interrupted = 0;

// Ctrl-C ends the listening and not the program, so that the last message is answered for.
void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// A message is answered for when the next one is asked for, so it has to be out by then.
void PrintLine(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// True if the event was a message.
bool Print(const ClientEvent& event, bool json) {
  if (const auto* message = std::get_if<ReceivedMessage>(&event)) {
    PrintLine(json ? MessageJson(*message) : MessageText(*message, NowSeconds()));
    return true;
  }
  if (const auto* error = std::get_if<ServerError>(&event)) {
    std::fprintf(stderr, "solec: the server says: %s\n",
                 std::string(ErrorAdvice(error->code)).c_str());
  }
  if (const auto* bounce = std::get_if<MessageBounced>(&event)) {
    if (json) PrintLine(BounceJson(*bounce));
    std::fprintf(stderr, "solec: an earlier message to %s could not be delivered\n",
                 SafeLine(bounce->target).c_str());
  }
  return false;
}

int RunListen(const ListenOptions& options) {
  constexpr int64_t kSliceMs = 200;  // how soon a signal is seen
  Deadline end = Deadline::Never();
  if (!options.account.timeout.empty()) {
    const absl::StatusOr<int64_t> timeout_ms = ParseDurationMs(options.account.timeout);
    if (!timeout_ms.ok()) return ReportFailure(timeout_ms.status());
    end = Deadline::In(*timeout_ms);
  }
  const absl::StatusOr<ClientOptions> account = ResolveAccount(options.account);
  if (!account.ok()) return ReportFailure(account.status());
  const absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(*account);
  if (!client.ok()) return ReportFailure(client.status());
  std::fprintf(stderr, "listening at %s as %s\n", (*client)->server().c_str(),
               SafeLine(options.account.user).c_str());
  CatchInterrupts();
  uint64_t seen = 0;
  while (interrupted == 0 && !end.Passed() && (options.count == 0 || seen < options.count)) {
    const absl::StatusOr<std::optional<ClientEvent>> event = (*client)->Next(kSliceMs);
    if (!event.ok()) return ReportFailure(event.status());
    if (event->has_value() && Print(**event, options.account.json)) ++seen;
  }
  if (const absl::Status closed = (*client)->Close(); !closed.ok()) {
    std::fprintf(stderr, "solec: %s\n", std::string(closed.message()).c_str());
  }
  if (seen >= options.count) return kExitDone;
  std::fprintf(stderr, "solec: %llu of %llu messages came\n", static_cast<unsigned long long>(seen),
               static_cast<unsigned long long>(options.count));
  return kExitFailure;
}

}  // namespace

void AddListenVerb(CLI::App* app, Verb* chosen) {
  AddVerb<ListenOptions>(
      app, chosen, "listen", "Print messages as they come",
      [](CLI::App* verb, ListenOptions* options) {
        AddAccountOptions(verb, &options->account);
        verb->add_option("--count", options->count, "End after so many messages [go on for ever]")
            ->check(CLI::PositiveNumber)
            ->type_name("N");
        verb->footer(
            "With --timeout listening ends after that time, with status 1 if fewer messages than\n"
            "--count came. Ctrl-C ends it too.");
      },
      RunListen);
}

}  // namespace solec

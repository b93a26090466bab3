#include "tools/solec/history_verb.h"

#include <cstdio>
#include <optional>

#include "client/history_tail.h"
#include "tools/solec/account_options.h"
#include "tools/solec/clock_text.h"
#include "tools/solec/event_text.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

constexpr size_t kLimitMax = 100'000;  // what is held in memory before it is printed

struct HistoryOptions {
  AccountOptions account;
  std::string address;
  size_t limit = kHistoryLimitDefault;
  std::optional<uint64_t> after;
};

int RunHistory(const HistoryOptions& options) {
  const absl::StatusOr<std::unique_ptr<Client>> client = LogIn(options.account);
  if (!client.ok()) return ReportFailure(client.status());
  const HistoryReader read = [&](uint64_t after, uint16_t limit) {
    return (*client)->History(options.address, after, limit);
  };
  const absl::StatusOr<std::vector<HistoryEntry>> entries =
      options.after ? ReadHistoryAfter(read, *options.after, options.limit)
                    : ReadHistoryTail(read, options.limit);
  if (!entries.ok()) return ReportFailure(entries.status());
  const uint64_t now = NowSeconds();
  for (const HistoryEntry& entry : *entries) {
    const std::string line =
        options.account.json ? HistoryJson(entry) : MessageText(entry.message, now);
    std::printf("%s\n", line.c_str());
  }
  if (entries->empty()) std::fprintf(stderr, "solec: nothing is kept there\n");
  return kExitDone;
}

}  // namespace

void AddHistoryVerb(CLI::App* app, Verb* chosen) {
  AddVerb<HistoryOptions>(
      app, chosen, "history", "Print what the server keeps of a chat or a channel",
      [](CLI::App* verb, HistoryOptions* options) {
        AddAccountOptions(verb, &options->account);
        verb->add_option("ADDRESS", options->address,
                         "A user (your chat with that user) or a channel [everything kept for you]")
            ->type_name("");
        verb->add_option("--limit", options->limit, "How many messages [100]")
            ->check(CLI::Range(size_t{1}, kLimitMax))
            ->type_name("N");
        verb->add_option("--after", options->after,
                         "Go forward from this position (--json shows positions) [the newest]")
            ->type_name("POSITION");
      },
      RunHistory);
}

}  // namespace solec

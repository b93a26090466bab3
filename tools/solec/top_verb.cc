#include "tools/solec/top_verb.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tools/solec/admin_options.h"
#include "tools/solec/duration.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/rates.h"

namespace solec {
namespace {

using Clock = std::chrono::steady_clock;

struct TopOptions {
  AdminOptions admin;
  std::string interval = "1s";
  bool once = false;
};

struct Sample {
  Stats stats;
  Clock::time_point taken;
};

absl::StatusOr<Sample> TakeSample(AdminClient* admin) {
  nlohmann::json request;
  request["command"] = "stats";
  const absl::StatusOr<nlohmann::json> answer = admin->Ask(request);
  if (!answer.ok()) return answer.status();
  return Sample{.stats = StatsOf(*answer), .taken = Clock::now()};
}

int RunTop(const TopOptions& options) {
  const absl::StatusOr<int64_t> interval_ms = ParseDurationMs(options.interval);
  if (!interval_ms.ok()) return ReportFailure(interval_ms.status());
  absl::StatusOr<AdminClient> admin = ConnectAdmin(options.admin);
  if (!admin.ok()) return ReportFailure(admin.status());
  absl::StatusOr<Sample> before = TakeSample(&*admin);
  if (!before.ok()) return ReportFailure(before.status());
  const bool redraw = isatty(STDOUT_FILENO) != 0 && !options.once && !options.admin.json;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(*interval_ms));
    absl::StatusOr<Sample> now = TakeSample(&*admin);
    if (!now.ok()) return ReportFailure(now.status());
    const double seconds = std::chrono::duration<double>(now->taken - before->taken).count();
    if (redraw) std::printf("\x1b[H\x1b[J");
    if (options.admin.json) {
      std::printf("%s\n", RatesJson(before->stats, now->stats, seconds).c_str());
    } else {
      std::printf("%s%s", RatesText(before->stats, now->stats, seconds).c_str(),
                  options.once ? "" : "\n");
    }
    std::fflush(stdout);
    if (options.once || std::ferror(stdout) != 0) return kExitDone;
    before = std::move(now);
  }
}

}  // namespace

void AddTopVerb(CLI::App* app, Verb* chosen) {
  AddVerb<TopOptions>(
      app, chosen, "top", "Show what a running server is doing, once a second",
      [](CLI::App* verb, TopOptions* options) {
        AddAdminOptions(verb, &options->admin);
        verb->add_option("--interval", options->interval, "Time between two lookups [1s]")
            ->type_name("TIME");
        verb->add_flag("--once", options->once, "Print once and end");
      },
      RunTop);
}

}  // namespace solec

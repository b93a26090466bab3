#include "bench/bench_options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "client/endpoint.h"
#include "proto/constants.h"
#include "tools/solec/duration.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

constexpr const char* kFooter = R"(Scenarios:
  direct   --pairs senders, each with a receiver of its own
  fanout   one sender, and a channel (#bench) with --members receivers
  latency  one pair and one message under way; with --rate an open loop over --pairs pairs
  idle     --connections logged-in connections that do nothing: memory and CPU
  login    connect, log in, close, --window at a time: each name once (cold), then again (warm)
  tls      connect, TLS handshake, log in, close: whole handshakes, then short ones with tickets
  shards   direct, with partners on the same shard and on another (needs --admin to tell them apart)
  history  --fill messages are kept in --pairs chats; then pages and tails of them are read
  churn    direct, while --churn of the connections per second close and come back
  federation  direct, with the receivers at a linked server: --peer, --peer-name, --peer-pid
  partition   that link is cut, --fill messages are sent, it heals: the spool, and the way back
              (the server's [[peer]] must have --link-listen as its address)

Closed loop (--window): each sender keeps that many messages under way: for throughput.
Open loop (--rate): messages are due at random moments whatever the server does, and latency counts
from then: for latency.
The server needs [policy] accounts = "any" and contacts = "open"; only login can be measured with
accounts = "closed" (--users-file).

Status: 0 done, 1 messages lost, doubled, reordered or damaged, or the run broke off, 64 usage,
        69 cannot connect, 77 not permitted)";

struct Texts {
  std::string duration = "10s", warmup = "2s", form = "batched";
};

// A whole number between two bounds; the bounds are said by who gets it wrong.
template <class T>
CLI::Option* AddNumber(CLI::App* app, const std::string& name, T* value, const std::string& help,
                       uint64_t low, uint64_t high) {
  return app->add_option(name, *value, help)
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::Range(low, high).description(""));
}

CLI::Option* AddWord(CLI::App* app, const std::string& name, std::string* value,
                     const std::string& help, const std::vector<std::string>& words) {
  return app->add_option(name, *value, help)
      ->type_name("")
      ->check(CLI::IsMember(words).description(""));
}

void DeclareTraffic(CLI::App* app, BenchOptions* options, Texts* texts) {
  TrafficOptions& traffic = options->traffic;
  AddNumber(app, "--size", &traffic.content_bytes, "Bytes of a message's content", kStampedBytes,
            kContentBytesMax);
  CLI::Option* const window = AddNumber(app, "--window", &traffic.window,
                                        "Messages of a sender under way (login: logins)", 1, 65536);
  app->add_option("--rate", traffic.rate, "Open loop: messages per second of all senders")
      ->type_name("R")
      ->check(CLI::Range(0.1, 1e9).description(""))
      ->excludes(window);
  AddWord(app, "--form", &texts->form,
          "batched (default): what the window allows leaves in one send;\n"
          "single: each message in a send of its own; one: --window 1",
          {"batched", "single", "one"});
  AddNumber(app, "--pairs", &options->pairs, "Pairs of sender and receiver", 1, 1'000'000);
  AddNumber(app, "--members", &options->members, "fanout: receivers in the channel", 1, 1'000'000);
  AddNumber(app, "--connections", &options->connections, "idle: connections", 1, 5'000'000);
  app->add_option("--churn", options->churn_share,
                  "churn: share of the connections that close per second")
      ->capture_default_str()
      ->type_name("SHARE")
      ->check(CLI::Range(0.001, 1.0).description(""));
  app->add_flag("--receipts", options->receipts,
                "Senders agree on receipts: every message must be accepted,\n"
                "and the window counts those that are not accepted yet");
  app->add_flag("--receivers-answer", options->receivers_answer,
                "Receivers agree on receipts too, and say what they got");
  AddNumber(app, "--fill", &options->fill,
            "history: messages to send before it is read;\npartition: while the link is cut", 1,
            1'000'000'000)
      ->default_str("");
  AddNumber(app, "--page", &options->page, "history: messages a request", 1, kHistoryLimitMax);
  AddNumber(app, "--tail", &options->tail, "history: how many of the newest messages", 1, 100'000);
  AddNumber(app, "--readers", &options->readers, "history: who read pages at a time", 1, 100'000);
  app->add_option("--seed", traffic.seed, "Of contents, random moments, and who closes")
      ->capture_default_str()
      ->type_name("N");
}

void Declare(CLI::App* app, BenchOptions* options, Texts* texts) {
  AddWord(app, "SCENARIO", &options->scenario, "What to do, see below",
          {"direct", "fanout", "latency", "idle", "login", "tls", "shards", "churn", "history",
           "federation", "partition"})
      ->required();
  app->add_option("--connect", options->connect, "The server")->required()->type_name("HOST:PORT");
  app->add_flag("--tls", options->tls, "Encrypted, and anybody is trusted");
  app->add_option("--duration", texts->duration, "How long to measure")
      ->capture_default_str()
      ->type_name("TIME");
  app->add_option("--warmup", texts->warmup, "How long to run before that (0 for none)")
      ->capture_default_str()
      ->type_name("TIME");
  DeclareTraffic(app, options, texts);
  app->add_option("--users-file", options->users_file, "login: accounts, NAME:PASSWORD a line")
      ->type_name("FILE")
      ->check(CLI::Validator(CLI::ExistingFile).description(""));
  CLI::Option* const cold =
      app->add_flag("--cold", options->cold_only, "login: each name once, and no more");
  app->add_flag("--warm", options->warm_only,
                "login: only names that have logged in shortly before")
      ->excludes(cold);
  app->add_option("--admin", options->admin, "shards: the server's HTTP port")
      ->type_name("HOST:PORT");
  app->add_option("--peer", options->peer, "federation, partition: the receivers' server")
      ->type_name("HOST:PORT");
  app->add_option("--peer-name", options->peer_name, "Its name in addresses")->type_name("NAME");
  AddNumber(app, "--peer-pid", &options->peer_pid, "Measure that process as well", 1, INT32_MAX)
      ->default_str("");
  app->add_option("--link-listen", options->link_listen,
                  "partition: where the server dials the peer; forwards to --peer")
      ->type_name("HOST:PORT");
  AddNumber(app, "--server-pid", &options->program.server_pid,
            "Measure that process's CPU and memory", 1, INT32_MAX)
      ->default_str("");
  AddNumber(app, "--cpu", &options->program.cpu, "Run on this CPU only", 0, 1023)->default_str("");
  app->add_flag("--spin", options->spin, "Poll and never sleep: for the lowest latencies");
  app->add_flag("--raw", options->raw, "The other side is solec-relay: no login, the same bytes");
  app->add_option("--json", options->program.json_file,
                  "Write the results there (-: stdout, and no text)")
      ->type_name("FILE");
  app->add_option("--html", options->program.html_file, "Write a page with the results there")
      ->type_name("FILE");
}

// 0 if the text is no time.
uint64_t TimeNs(const std::string& text) {
  const absl::StatusOr<int64_t> ms = ParseDurationMs(text);
  return ms.ok() ? static_cast<uint64_t>(*ms) * 1'000'000 : 0;
}

// Of the scenarios with two servers.
std::string CheckPeer(const CLI::App& app, const BenchOptions& options) {
  const std::string& scenario = options.scenario;
  if (scenario != "federation" && scenario != "partition") {
    for (const char* flag : {"--peer", "--peer-name", "--peer-pid", "--link-listen"}) {
      if (app.count(flag) != 0) return std::string(flag) + ": for federation and partition only";
    }
    return "";
  }
  if (options.peer.empty() || options.peer_name.empty()) {
    return scenario + ": needs --peer HOST:PORT and --peer-name NAME";
  }
  const absl::StatusOr<Endpoint> peer = ParseEndpoint(options.peer, kPortPlain);
  if (!peer.ok()) return "--peer: " + std::string(peer.status().message());
  if (scenario == "federation") return "";
  if (options.link_listen.empty() || options.fill == 0) {
    return "partition: needs --link-listen HOST:PORT and --fill N";
  }
  if (options.traffic.rate > 0) return "--rate: partition sends as fast as it is accepted";
  return "";
}

// What the declarations cannot say: empty if all fits together.
std::string Check(const CLI::App& app, const Texts& texts, BenchOptions* options) {
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(options->connect, kPortPlain);
  if (!endpoint.ok()) return "--connect: " + std::string(endpoint.status().message());
  options->duration_ns = TimeNs(texts.duration);
  if (options->duration_ns == 0) return "--duration: write for example 500ms, 10s or 2m";
  const bool no_warmup = texts.warmup == "0" || texts.warmup == "0s";
  options->warmup_ns = no_warmup ? 0 : TimeNs(texts.warmup);
  if (!no_warmup && options->warmup_ns == 0) return "--warmup: write for example 0, 500ms or 2s";
  TrafficOptions& traffic = options->traffic;
  traffic.form = texts.form == "single" ? SendForm::kSingle : SendForm::kBatched;
  if (texts.form == "one") {
    if (app.count("--window") != 0 && traffic.window != 1) return "--form one: its window is 1";
    traffic.window = 1;
  }
  const std::string& scenario = options->scenario;
  if (scenario == "fanout" && texts.form == "single") {
    return "--form single: fanout has batched and one";
  }
  if (options->raw && scenario != "direct" && scenario != "fanout" && scenario != "latency" &&
      scenario != "idle") {
    return "--raw: a relay can do direct, fanout, latency and idle";
  }
  if ((options->receipts || options->receivers_answer) &&
      (scenario == "idle" || scenario == "login" || scenario == "tls" || scenario == "shards")) {
    return "--receipts, --receivers-answer: " + scenario + " has none";
  }
  if (options->raw && (options->receipts || options->receivers_answer))
    return "--raw: a relay sends no receipts";
  if (options->raw && options->tls) return "--raw: a relay speaks no TLS";
  if (scenario == "tls") options->tls = true;
  if ((scenario == "login" || scenario == "tls") && app.count("--window") == 0) traffic.window = 16;
  return CheckPeer(app, *options);
}

int Fail(const std::string& text) {
  std::fprintf(stderr, "solec-bench: %s\nTry: solec-bench --help\n", text.c_str());
  return kExitUsage;
}

}  // namespace

std::optional<int> ParseBenchOptions(int argc, char** argv, BenchOptions* options) {
  CLI::App app("Loads a SOLEC server and says what it does.", "solec-bench");
  app.set_version_flag("--version", "solec-bench " SOLEC_VERSION);
  app.footer(kFooter);
  Texts texts;
  Declare(&app, options, &texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return Fail(error.what());
  }
  const std::string mistake = Check(app, texts, options);
  if (!mistake.empty()) return Fail(mistake);
  return std::nullopt;
}

}  // namespace solec

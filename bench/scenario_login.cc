// tls: the same over TLS, warm, with whole handshakes and then with short ones: what a handshake
// costs is the difference to `login` without TLS.
//
// login: connect, handshake, login, close, over and over, --window of them at a time. Measured
// cold, each name once, and warm, names that have logged in shortly before, round and round.
//
// What a cold login costs depends on the server's accounts: with "any" it makes the account, with
// --users-file it is one argon2id hash, provided that the server does not remember those names from
// an earlier run. A warm one needs no hash as long as the server has a proof of the last
// (login_proof_lifetime); where it keeps none, both cost the same.
#include <algorithm>
#include <fstream>

#include "bench/measurement.h"
#include "bench/scenarios.h"
#include "bench/steady_clock.h"

namespace solec {
namespace {

constexpr uint32_t kNamesMax = 1'000'000;
constexpr uint32_t kWarmNames = 1000;

// Gives out the plans, one login after the other, and times them.
class LoginCycle final : public ClientSink {
 public:
  LoginCycle(ClientPool* pool, std::vector<ClientPlan> plans, bool again)
      : pool_(pool), plans_(std::move(plans)), again_(again), started_ns_(pool->size()) {}

  void Start(uint32_t client) {
    if (stopped_ || (!again_ && next_ >= plans_.size())) return;
    pool_->SetPlan(client, plans_[next_++ % plans_.size()]);
    started_ns_[client] = SteadyNs();
    ++under_way_;
    pool_->Start(client);
  }
  void Stop() { stopped_ = true; }
  bool finished() const { return under_way_ == 0; }
  uint64_t count() const { return latency_.count(); }
  size_t names_used() const { return std::min(next_, plans_.size()); }
  const Histogram& latency() const { return latency_; }

  size_t OnBytes(uint32_t, Bytes stream) override { return stream.size(); }
  void OnSent(uint32_t) override {}
  void OnOpen(uint32_t client) override {
    latency_.Record(SteadyNs() - started_ns_[client]);
    pool_->Close(client);
  }
  void OnClosed(uint32_t client) override {
    --under_way_;
    Start(client);
  }

 private:
  ClientPool* pool_;
  const std::vector<ClientPlan> plans_;
  const bool again_;  // round and round
  size_t next_ = 0;
  uint32_t under_way_ = 0;
  bool stopped_ = false;
  std::vector<uint64_t> started_ns_;
  Histogram latency_;
};

absl::StatusOr<std::vector<ClientPlan>> ReadUsers(const std::string& path) {
  std::vector<ClientPlan> plans;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (line.empty()) continue;
    if (colon == std::string::npos) {
      return absl::InvalidArgumentError(path + ": '" + line + "' is not NAME:PASSWORD");
    }
    plans.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  if (plans.empty()) return absl::InvalidArgumentError(path + ": no accounts in it");
  return plans;
}

// Names that no earlier run has used.
std::vector<ClientPlan> FreshUsers() {
  std::vector<ClientPlan> plans;
  const std::string prefix = "bench-l-" + std::to_string(SteadyNs()) + "-";
  for (uint32_t i = 0; i < kNamesMax; ++i) plans.push_back({prefix + std::to_string(i)});
  return plans;
}

// Every name of `cycle` logs in once, however long it takes.
absl::Status LogInOnce(ClientPool* pool, LoginCycle* cycle) {
  pool->SetSink(cycle);
  for (uint32_t client = 0; client < pool->size(); ++client) cycle->Start(client);
  uint64_t seen = 0, moved_ns = SteadyNs();
  while (!cycle->finished() && pool->status().ok()) {
    pool->Turn(kNsPerSecond / 10);
    const uint64_t now = SteadyNs();
    if (std::exchange(seen, cycle->count()) != cycle->count()) moved_ns = now;
    if (now - moved_ns > ClientPool::kProgressNs) {
      return absl::AbortedError("for 20 s no login was answered");
    }
  }
  pool->SetSink(nullptr);
  return pool->status();
}

absl::Status RunCycle(const BenchOptions& options, ClientPool* pool, LoginCycle* cycle,
                      const std::string& prefix, RunReport* report) {
  pool->SetSink(cycle);
  Measurement measurement(options.program.server_pid);
  const uint64_t begin_ns = SteadyNs();
  if (absl::Status status = measurement.Begin(begin_ns, 0); !status.ok()) return status;
  for (uint32_t client = 0; client < pool->size(); ++client) cycle->Start(client);
  const uint64_t end_ns = begin_ns + options.duration_ns;
  uint64_t now = begin_ns;
  for (; now < end_ns && !cycle->finished() && pool->status().ok(); now = SteadyNs()) {
    pool->Turn(end_ns - now);
  }
  cycle->Stop();
  if (absl::Status status = measurement.End(now, cycle->count()); !status.ok()) return status;
  const uint64_t limit_ns = now + ClientPool::kProgressNs;
  while (!cycle->finished() && pool->status().ok() && SteadyNs() < limit_ns) {
    pool->Turn(kNsPerSecond / 10);
  }
  pool->SetSink(nullptr);
  if (!pool->status().ok()) return pool->status();
  if (!cycle->finished()) return absl::AbortedError("the last logins were not answered");
  measurement.AddTo(report, "logins", prefix, options.spin);
  if (measurement.knows_server() && measurement.count() != 0) {
    report->Add(prefix + "_server_cpu_us_per_login", prefix + ": server CPU per login",
                measurement.server_cpu_seconds() * 1e6 / static_cast<double>(measurement.count()),
                "us");
  }
  report->latencies.push_back(
      {prefix + "_latency", prefix + ": connect to Success", cycle->latency()});
  return absl::OkStatus();
}

}  // namespace

absl::Status RunLogin(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  std::vector<ClientPlan> plans;
  if (options.users_file.empty()) {
    plans = FreshUsers();
  } else {
    absl::StatusOr<std::vector<ClientPlan>> users = ReadUsers(options.users_file);
    if (!users.ok()) return users.status();
    plans = *std::move(users);
  }
  for (uint32_t i = 0; i < options.traffic.window; ++i) pool->Add({"bench-l"});
  if (!options.warm_only) {
    LoginCycle cold(pool, plans, false);
    absl::Status status = RunCycle(options, pool, &cold, "cold", report);
    if (!status.ok() || options.cold_only) return status;
    plans.resize(std::min<size_t>(cold.names_used(), kWarmNames));
  } else {
    plans.resize(std::min<size_t>(plans.size(), kWarmNames));
    LoginCycle once(pool, plans, false);
    if (absl::Status status = LogInOnce(pool, &once); !status.ok()) return status;
  }
  LoginCycle warm(pool, std::move(plans), true);
  return RunCycle(options, pool, &warm, "warm", report);
}

absl::Status RunTls(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  std::vector<ClientPlan> plans = FreshUsers();
  // A few for each client that is under way: what is measured is not how many names there are.
  plans.resize(std::min(kWarmNames, 4 * options.traffic.window));
  for (uint32_t i = 0; i < options.traffic.window; ++i) pool->Add({"bench-l"});
  LoginCycle once(pool, plans, false);
  if (absl::Status status = LogInOnce(pool, &once); !status.ok()) return status;
  LoginCycle whole(pool, plans, true);
  absl::Status status = RunCycle(options, pool, &whole, "full", report);
  if (!status.ok()) return status;
  // Every client gets a ticket, with another whole handshake.
  status = pool->UseTls(/*resume=*/true);
  LoginCycle tickets(pool, plans, false);
  if (status.ok()) status = LogInOnce(pool, &tickets);
  const uint64_t resumed_before = pool->resumed_count();
  LoginCycle resumed(pool, std::move(plans), true);
  if (status.ok()) status = RunCycle(options, pool, &resumed, "resumed", report);
  const uint64_t resumed_count = pool->resumed_count() - resumed_before;
  if (status.ok() && resumed_count < resumed.count()) {
    return absl::AbortedError("only " + std::to_string(resumed_count) + " of " +
                              std::to_string(resumed.count()) + " tickets were taken");
  }
  return status;
}

}  // namespace solec

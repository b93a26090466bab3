#include "bench/traffic_run.h"

#include <algorithm>

#include "bench/steady_clock.h"
#include "proto/constants.h"

namespace solec {
namespace {

constexpr uint64_t kStallNs = 5'000'000'000;
constexpr uint64_t kDrainNs = 3'000'000'000;

// Turns until a moment, or until nothing has come for a while.
class TurnLoop {
 public:
  TurnLoop(ClientPool* pool, Traffic* traffic, const TurnHook& hook)
      : pool_(pool), traffic_(traffic), hook_(hook), moved_ns_(SteadyNs()) {}

  // False if it stalled or the open loop overran; an error is in pool->status().
  bool RunUntil(uint64_t end_ns, bool waits_for_traffic) {
    while (pool_->status().ok()) {
      const uint64_t now = SteadyNs();
      if (now >= end_ns) return true;
      if (traffic_->overrun()) return false;
      if (waits_for_traffic && StalledFor(now, kStallNs)) return false;
      Turn(now, end_ns);
    }
    return true;
  }

  // Until every sender has sent all that it is to send, and it is done. False if it stalled.
  bool RunToEnd() {
    while (pool_->status().ok() && !(traffic_->AllSent() && traffic_->AllDone())) {
      const uint64_t now = SteadyNs();
      if (StalledFor(now, kStallNs)) return false;
      Turn(now, now + kNsPerSecond / 20);
    }
    return true;
  }

  // Until nothing is under way any more.
  void Drain() {
    moved_ns_ = SteadyNs();
    while (pool_->status().ok() && !traffic_->AllDone()) {
      const uint64_t now = SteadyNs();
      if (StalledFor(now, kDrainNs)) return;
      Turn(now, now + kNsPerSecond / 20);
    }
  }

 private:
  void Turn(uint64_t now, uint64_t end_ns) {
    uint64_t wake_ns = std::min({end_ns, traffic_->next_due_ns(), now + kNsPerSecond});
    if (hook_) wake_ns = std::min(wake_ns, hook_(now));
    traffic_->Flush(SteadyNs());
    pool_->Turn(wake_ns > now ? wake_ns - now : 0);
  }

  bool StalledFor(uint64_t now, uint64_t limit_ns) {
    const uint64_t moved = traffic_->delivered() + traffic_->accepted();
    if (std::exchange(seen_, moved) != moved) moved_ns_ = now;
    return now - moved_ns_ > limit_ns;
  }

  ClientPool* pool_;
  Traffic* traffic_;
  const TurnHook& hook_;
  uint64_t seen_ = 0;
  uint64_t moved_ns_;
};

}  // namespace

absl::Status RunTraffic(const BenchOptions& options, ClientPool* pool, Traffic* traffic,
                        const TurnHook& hook, TrafficResult* result) {
  pool->SetSink(traffic);
  const uint64_t start_ns = SteadyNs();
  const bool closed_loop = options.traffic.rate == 0;
  TurnLoop loop(pool, traffic, hook);
  const bool has_end = options.traffic.messages_each != UINT64_MAX;
  traffic->Start(start_ns);
  bool went_well = has_end || loop.RunUntil(start_ns + options.warmup_ns, closed_loop);
  const uint64_t begin_ns = SteadyNs();
  const uint64_t end_ns = has_end ? UINT64_MAX : begin_ns + options.duration_ns;
  traffic->Measure(begin_ns, end_ns);
  absl::Status status = result->measurement.Begin(begin_ns, traffic->delivered());
  if (result->peer) status.Update(result->peer->Begin(begin_ns, traffic->delivered()));
  const uint64_t accepted_before = traffic->accepted();
  if (went_well && status.ok()) {
    went_well = has_end ? loop.RunToEnd() : loop.RunUntil(end_ns, closed_loop);
  }
  status.Update(result->measurement.End(SteadyNs(), traffic->delivered()));
  if (result->peer) status.Update(result->peer->End(SteadyNs(), traffic->delivered()));
  result->accepted = traffic->accepted() - accepted_before;
  traffic->Stop();
  loop.Drain();
  pool->SetSink(nullptr);
  result->latency = traffic->latency();
  result->receipt_latency = traffic->receipt_latency();
  result->lateness = traffic->lateness();
  result->totals = traffic->Totals();
  if (!pool->status().ok()) return pool->status();
  if (!status.ok()) return status;
  if (traffic->overrun()) {
    return absl::AbortedError(
        "the server is much slower than --rate: " + std::to_string(Traffic::kDueMax) +
        " messages wait to be sent; take a lower rate");
  }
  if (!went_well) {
    std::string text = "for 5 s no message arrived, with " + std::to_string(result->totals.lost) +
                       " under way and " + std::to_string(result->totals.unaccepted) +
                       " without a receipt";
    for (size_t code = 0; code < result->totals.errors.size(); ++code) {
      if (result->totals.errors[code] == 0) continue;
      text += "; the server answered " + std::to_string(result->totals.errors[code]) + " with '" +
              std::string(ErrorText(static_cast<ErrorCode>(code))) + "'";
    }
    return absl::AbortedError(text);
  }
  return absl::OkStatus();
}

void AddTrafficFigures(const BenchOptions& options, const TrafficResult& result,
                       const std::string& prefix, RunReport* report) {
  const std::string label = prefix.empty() ? "" : prefix + ": ";
  result.measurement.AddTo(report, "deliveries", prefix, options.spin);
  const TrafficTotals& totals = result.totals;
  if (options.receipts) {
    const std::string key = prefix.empty() ? "" : prefix + "_";
    const auto accepted = static_cast<double>(result.accepted);
    const double cpu_seconds = result.measurement.server_cpu_seconds();
    report->Add(key + "accepted", label + "accepted", accepted);
    report->Add(key + "accepted_per_second", label + "accepted per second",
                accepted / result.measurement.seconds(), "/s");
    if (result.measurement.knows_server() && cpu_seconds > 0) {
      report->Add(key + "accepted_per_server_cpu_second", label + "accepted per server-CPU-second",
                  accepted / cpu_seconds, "/s");
    }
  }
  report->Add((prefix.empty() ? "" : prefix + "_") + "sent", label + "messages sent, in all",
              static_cast<double>(totals.sent));
  report->latencies.push_back(
      {prefix.empty() ? "latency" : prefix + "_latency", label + "latency", result.latency});
  if (options.receipts) {
    report->latencies.push_back({prefix.empty() ? "receipts" : prefix + "_receipts",
                                 label + "latency of receipts", result.receipt_latency});
  }
  if (options.traffic.rate > 0) {
    report->latencies.push_back({prefix.empty() ? "lateness" : prefix + "_lateness",
                                 label + "of it in the generator", result.lateness});
  }
  report->checked = true;
  report->lost += totals.lost;
  report->doubled += totals.doubled;
  report->reordered += totals.reordered;
  report->damaged += totals.damaged;
  report->unaccepted += totals.unaccepted;
  for (size_t code = 0; code < totals.errors.size(); ++code) {
    if (totals.errors[code] == 0) continue;
    report->errors[std::string(ErrorText(static_cast<ErrorCode>(code)))] += totals.errors[code];
  }
  if (totals.not_sent != 0) {
    report->notes.push_back(label + std::to_string(totals.not_sent) +
                            " messages were due and never sent: the rate is more than this server "
                            "and generator carry");
  }
  if (totals.earlier != 0) {
    report->notes.push_back(label + std::to_string(totals.earlier) +
                            " messages had waited since an earlier run; they are not counted");
  }
}

}  // namespace solec

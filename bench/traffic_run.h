// Runs a Traffic through its phases: warm-up, the measured stretch, and a drain that waits for what
// is still under way before anything is called lost. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "bench/bench_options.h"
#include "bench/measurement.h"
#include "bench/traffic.h"

namespace solec {

// Called once a turn with the time; returns when it wants to be called again at the latest.
using TurnHook = std::function<uint64_t(uint64_t now_ns)>;

// What RunTraffic found; figures go into the report by AddTrafficFigures.
struct TrafficResult {
  explicit TrafficResult(pid_t server_pid) : measurement(server_pid) {}

  Measurement measurement;
  std::optional<Measurement> peer;  // of the receivers' server, where that is another
  uint64_t accepted = 0;  // while it was measured
  Histogram latency;
  Histogram receipt_latency;
  Histogram lateness;
  TrafficTotals totals;
};

// With `messages_each`: measures until all are sent and done, however long that takes, without a
// warm-up.
// Bounds: ends early if for 5 s nothing arrives; the drain ends if for 3 s nothing arrives. An
// error is a run that broke off (the server ended a connection).
absl::Status RunTraffic(const BenchOptions& options, ClientPool* pool, Traffic* traffic,
                        const TurnHook& hook, TrafficResult* result);

void AddTrafficFigures(const BenchOptions& options, const TrafficResult& result,
                       const std::string& prefix, RunReport* report);

}  // namespace solec

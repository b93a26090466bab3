// direct: pairs; latency: one of them, one message at a time, or an open loop.
#include "bench/pairs.h"
#include "bench/scenarios.h"
#include "bench/traffic_run.h"

namespace solec {

absl::Status RunDirect(const BenchOptions& given, ClientPool* pool, RunReport* report) {
  BenchOptions options = given;
  if (options.scenario == "latency" && options.traffic.rate == 0) {
    options.pairs = 1;
    options.traffic.window = 1;
  }
  AddPairs(options, pool);
  if (absl::Status status = pool->OpenAll(); !status.ok()) return status;
  Traffic traffic(pool, options.traffic);
  AddPairRoutes(options, *pool, &traffic);
  TrafficResult result(options.program.server_pid);
  const absl::Status status = RunTraffic(options, pool, &traffic, nullptr, &result);
  AddTrafficFigures(options, result, "", report);
  return status;
}

}  // namespace solec

// fanout: one sender, one channel, many members. The sender is a member too (it must be one to
// write there), but gets no copy of its own messages: the members are those who receive.
#include "bench/pairs.h"
#include "bench/scenarios.h"
#include "bench/traffic_run.h"

namespace solec {

static constexpr const char* kChannel = "#bench";

absl::Status RunFanout(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  TrafficRoute route{0, {}, "", kChannel, "bench-s-0", kChannel};
  for (uint32_t i = 0; i <= options.members; ++i) {
    ClientPlan plan{i == 0 ? std::string("bench-s-0") : "bench-r-" + std::to_string(i - 1)};
    plan.channel = options.raw ? "" : kChannel;
    plan.receipts = i == 0 ? options.receipts : options.receivers_answer;
    plan.raw = options.raw;
    const uint32_t client = pool->Add(std::move(plan));
    if (i != 0) route.receivers.push_back(client);
  }
  if (options.raw) {
    route.source = route.delivered_source + std::string(kRawServer);
    route.target = kChannel + std::string(kRawServer);
  }
  if (absl::Status status = pool->OpenAll(); !status.ok()) return status;
  Traffic traffic(pool, options.traffic);
  traffic.AddRoute(route);
  if (options.receipts) traffic.ExpectReceipts(0);
  if (options.receivers_answer) {
    for (uint32_t client : route.receivers) traffic.SendReceipts(client);
  }
  TrafficResult result(options.program.server_pid);
  const absl::Status status = RunTraffic(options, pool, &traffic, nullptr, &result);
  AddTrafficFigures(options, result, "", report);
  return status;
}

}  // namespace solec

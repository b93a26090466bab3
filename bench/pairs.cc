#include "bench/pairs.h"

namespace solec {

void AddPairs(const BenchOptions& options, ClientPool* pool) {
  for (uint32_t i = 0; i < options.pairs; ++i) {
    for (const char* prefix : {"bench-s-", "bench-r-"}) {
      ClientPlan plan{prefix + std::to_string(i)};
      const bool sends = plan.name.starts_with("bench-s-");
      plan.receipts = sends ? options.receipts : options.receivers_answer;
      plan.history = sends && options.scenario == "history";
      plan.raw = options.raw;
      pool->Add(std::move(plan));
    }
  }
}

TrafficRoute RouteBetween(const ClientPool& pool, uint32_t sender, uint32_t receiver) {
  const std::string& from = pool.plan(sender).name;
  const std::string& to = pool.plan(receiver).name;
  TrafficRoute route{sender, {receiver}, "", to, from, to};
  if (pool.plan(sender).raw) {
    route.source = from + std::string(kRawServer);
    route.target = to + std::string(kRawServer);
  }
  return route;
}

void AddPairRoutes(const BenchOptions& options, const ClientPool& pool, Traffic* traffic) {
  for (uint32_t i = 0; i < options.pairs; ++i) {
    traffic->AddRoute(RouteBetween(pool, 2 * i, 2 * i + 1));
    if (options.receipts) traffic->ExpectReceipts(i);
    if (options.receivers_answer) traffic->SendReceipts(2 * i + 1);
  }
}

}  // namespace solec

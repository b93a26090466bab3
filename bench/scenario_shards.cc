// shards: what it costs that the partner lives on the other shard. Who lives where is the hash's
// secret, so the server's HTTP port is asked (/connz lists each connection with its shard and
// user). The same users are then paired twice: with partners on their own shard, and with partners
// on another; as many pairs both times. Without --admin, or with one shard: as they happen to fall.
#include <httplib.h>

#include <algorithm>
#include <map>

#include "bench/connection_list.h"
#include "bench/pairs.h"
#include "bench/scenarios.h"
#include "bench/traffic_run.h"

namespace solec {
namespace {

using ClientPairs = std::vector<std::pair<uint32_t, uint32_t>>;

struct Placement {
  ClientPairs same, other;
};

Placement PairUp(const std::vector<std::vector<uint32_t>>& by_shard) {
  Placement placement;
  for (const std::vector<uint32_t>& clients : by_shard) {
    for (size_t i = 0; i + 1 < clients.size(); i += 2) {
      placement.same.emplace_back(clients[i], clients[i + 1]);
    }
  }
  // Across: each of one shard with one of the next, so that all shards send and receive.
  for (size_t shard = 0; shard + 1 < by_shard.size(); shard += 2) {
    const std::vector<uint32_t>& a = by_shard[shard];
    const std::vector<uint32_t>& b = by_shard[shard + 1];
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      const bool there = i % 2 == 0;
      placement.other.emplace_back(there ? a[i] : b[i], there ? b[i] : a[i]);
    }
  }
  const size_t count = std::min(placement.same.size(), placement.other.size());
  if (count != 0) {
    placement.same.resize(count);
    placement.other.resize(count);
  }
  return placement;
}

// The server lists some 1,000 connections of each shard.
absl::StatusOr<std::map<std::string, uint32_t>> FetchShards(const std::string& admin) {
  httplib::Client http("http://" + admin);
  http.set_connection_timeout(2);
  http.set_read_timeout(5);
  const httplib::Result result = http.Get("/connz");
  if (!result || result->status != 200) {
    return absl::UnavailableError("--admin " + admin + ": /connz does not answer");
  }
  absl::StatusOr<std::map<std::string, uint32_t>> shards = ParseConnectionList(result->body);
  if (shards.ok()) return shards;
  return absl::UnavailableError("--admin " + admin + ": " + std::string(shards.status().message()));
}

absl::StatusOr<Placement> Ask(const BenchOptions& options, const ClientPool& pool) {
  absl::StatusOr<std::map<std::string, uint32_t>> shards = FetchShards(options.admin);
  if (!shards.ok()) return shards.status();
  std::vector<std::vector<uint32_t>> by_shard;
  for (uint32_t client = 0; client < pool.size(); ++client) {
    const auto found = shards->find(pool.plan(client).name);
    if (found == shards->end()) continue;  // the list is bounded
    if (by_shard.size() <= found->second) by_shard.resize(found->second + 1);
    by_shard[found->second].push_back(client);
  }
  return PairUp(by_shard);
}

absl::Status Measure(const BenchOptions& options, ClientPool* pool, const ClientPairs& pairs,
                     const std::string& prefix, RunReport* report, double* cpu_ns) {
  Traffic traffic(pool, options.traffic);
  for (const auto& [sender, receiver] : pairs) {
    traffic.AddRoute(RouteBetween(*pool, sender, receiver));
  }
  TrafficResult result(options.program.server_pid);
  const absl::Status status = RunTraffic(options, pool, &traffic, nullptr, &result);
  report->Add(prefix + "_pairs", prefix + ": pairs", static_cast<double>(pairs.size()));
  AddTrafficFigures(options, result, prefix, report);
  const Measurement& measurement = result.measurement;
  if (measurement.knows_server() && measurement.count() != 0) {
    *cpu_ns = measurement.server_cpu_seconds() * 1e9 / static_cast<double>(measurement.count());
    report->Add(prefix + "_server_cpu_ns_per_delivery", prefix + ": server CPU per delivery",
                *cpu_ns, "ns");
  }
  return status;
}

}  // namespace

absl::Status RunShards(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  AddPairs(options, pool);
  if (absl::Status status = pool->OpenAll(); !status.ok()) return status;
  double same_ns = 0, other_ns = 0;
  if (options.admin.empty()) {
    ClientPairs pairs;
    for (uint32_t i = 0; i < options.pairs; ++i) pairs.emplace_back(2 * i, 2 * i + 1);
    report->notes.push_back("pairs are as the hash places them; --admin tells the shards apart");
    return Measure(options, pool, pairs, "random", report, &same_ns);
  }
  absl::StatusOr<Placement> placement = Ask(options, *pool);
  if (!placement.ok()) return placement.status();
  absl::Status status = Measure(options, pool, placement->same, "same", report, &same_ns);
  if (placement->other.empty()) {
    report->notes.push_back("the server has one shard: there are no partners on another");
    return status;
  }
  if (status.ok()) status = Measure(options, pool, placement->other, "other", report, &other_ns);
  if (status.ok() && same_ns > 0) {
    report->Add("other_to_same_cost", "cost of the other shard, same is 1", other_ns / same_ns);
  }
  return status;
}

}  // namespace solec

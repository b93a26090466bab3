// The server's counters, summed over its shards, and as text for Prometheus.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/commands.h"
#include "shard/shard_group.h"

namespace solec {

struct Metric {
  std::string_view name;
  std::string_view help;
  uint64_t value = 0;
  bool is_gauge = false;
};

// What the store on disk has done; empty if there is none. Names that hold "_ns" are nanoseconds.
std::vector<Metric> StoreMetrics(const ShardGroup& shards);

// Calls visit(metric) for each.
template <class Visit>
void ForEachMetric(const ShardGroup& shards, Visit&& visit) {
  std::vector<Metric> sums;
  for (size_t shard = 0; shard < shards.shard_count(); ++shard) {
    size_t index = 0;
    ForEachCounter(shards.counters(shard), [&](std::string_view name, std::string_view help,
                                               uint64_t value, bool is_gauge) {
      if (shard == 0) sums.push_back({name, help, 0, is_gauge});
      sums[index++].value += value;
    });
  }
  for (const Metric& metric : sums) visit(metric);
  for (const Metric& metric : StoreMetrics(shards)) visit(metric);
}

// The peers' figures alone, by the label `peer`; empty without peers.
std::string PeerMetricsText(const std::vector<PeerStatus>& peers);

// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string PrometheusText(const AdminContext& context);

}  // namespace solec

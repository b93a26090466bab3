// federation: direct, with the senders at one server and their receivers at another, which are
// linked. Both servers' CPU time counts.
#include "bench/federation.h"
#include "bench/scenarios.h"
#include "bench/traffic_run.h"

namespace solec {

absl::Status RunFederation(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  if (absl::Status status = OpenAcrossServers(options, pool); !status.ok()) return status;
  Traffic traffic(pool, options.traffic);
  AddRoutesAcross(options, *pool, &traffic);
  if (absl::Status status = AwaitLink(pool, &traffic); !status.ok()) return status;
  TrafficResult result(options.program.server_pid);
  if (options.peer_pid != 0) result.peer.emplace(options.peer_pid);
  const absl::Status status = RunTraffic(options, pool, &traffic, nullptr, &result);
  AddTrafficFigures(options, result, "", report);
  if (result.peer.has_value()) AddPeerFigures(result.measurement, *result.peer, "", report);
  return status;
}

}  // namespace solec

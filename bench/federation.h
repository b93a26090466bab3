// What the scenarios with two servers have in common: pairs whose sender is at --connect and whose
// receiver is at --peer. One thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "bench/bench_options.h"
#include "bench/client_pool.h"
#include "bench/measurement.h"
#include "bench/run_report.h"
#include "bench/traffic.h"

namespace solec {

// Adds the pairs to the pool and opens them.
absl::Status OpenAcrossServers(const BenchOptions& options, ClientPool* pool);

// A Traffic over all pairs; targets are full addresses at the peer.
void AddRoutesAcross(const BenchOptions& options, const ClientPool& pool, Traffic* traffic);

// Turns until `done`. kAborted if before that for `stall_ns` nothing is delivered nor accepted.
absl::Status RunUntil(ClientPool* pool, Traffic* traffic, uint64_t stall_ns,
                      const std::function<bool()>& done);

// Sends a message a pair and waits until they have come, for as long as a dial may have to wait
// after failed ones.
absl::Status AwaitLink(ClientPool* pool, Traffic* traffic);

// The peer's share of what was measured on both sides, and the sum.
void AddPeerFigures(const Measurement& server, const Measurement& peer, const std::string& prefix,
                    RunReport* report);

}  // namespace solec

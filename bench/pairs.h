// Pairs of a sender and a receiver, as several scenarios use them.
#pragma once

#include <string>

#include "bench/bench_options.h"
#include "bench/client_pool.h"
#include "bench/traffic.h"

namespace solec {

// The server part of addresses that the generator makes up itself, towards a relay.
inline constexpr std::string_view kRawServer = "@bench.example";

// Adds bench-s-0, bench-r-0, bench-s-1, …: pair i is the clients 2 * i and 2 * i + 1.
void AddPairs(const BenchOptions& options, ClientPool* pool);

// The way from one client to another.
TrafficRoute RouteBetween(const ClientPool& pool, uint32_t sender, uint32_t receiver);

// A Traffic over all pairs.
void AddPairRoutes(const BenchOptions& options, const ClientPool& pool, Traffic* traffic);

}  // namespace solec

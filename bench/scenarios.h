// The scenarios of solec-bench. Each opens its connections in `pool`, runs, and adds its figures to
// `report`; an error is a run that could not be done or broke off. The generator's only thread.
#pragma once

#include "absl/status/status.h"
#include "bench/bench_options.h"
#include "bench/client_pool.h"
#include "bench/run_report.h"

namespace solec {

// direct, and latency, which is direct with one pair and one message under way.
absl::Status RunDirect(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunFanout(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunIdle(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunLogin(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunTls(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunShards(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunHistory(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunChurn(const BenchOptions& options, ClientPool* pool, RunReport* report);
// Two servers with a link between them.
absl::Status RunFederation(const BenchOptions& options, ClientPool* pool, RunReport* report);
absl::Status RunPartition(const BenchOptions& options, ClientPool* pool, RunReport* report);

}  // namespace solec

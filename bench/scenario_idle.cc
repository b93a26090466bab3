// idle: many logged-in connections that do nothing. What they cost in memory, and whether the
// server sleeps.
#include "bench/measurement.h"
#include "bench/scenarios.h"
#include "bench/steady_clock.h"

namespace solec {

// Turns until `end_ns`; whatever comes is dropped.
static absl::Status WaitUntil(ClientPool* pool, uint64_t end_ns) {
  for (uint64_t now = SteadyNs(); now < end_ns && pool->status().ok(); now = SteadyNs()) {
    pool->Turn(end_ns - now);
  }
  return pool->status();
}

absl::Status RunIdle(const BenchOptions& options, ClientPool* pool, RunReport* report) {
  Measurement opening(options.program.server_pid);
  const uint64_t slab_before = KernelSlabBytes();
  if (absl::Status status = opening.Begin(SteadyNs(), 0); !status.ok()) return status;
  const uint64_t resident_before = opening.server_begin().resident_bytes;
  for (uint32_t i = 0; i < options.connections; ++i) {
    ClientPlan plan{"bench-i-" + std::to_string(i)};
    plan.raw = options.raw;
    pool->Add(std::move(plan));
  }
  absl::Status status = pool->OpenAll();
  if (status.ok()) status = opening.End(SteadyNs(), options.connections);
  if (status.ok()) status = WaitUntil(pool, SteadyNs() + options.warmup_ns);
  const uint64_t slab_after = KernelSlabBytes();
  Measurement idle(options.program.server_pid);
  if (status.ok()) status = idle.Begin(SteadyNs(), 0);
  if (status.ok()) status = WaitUntil(pool, SteadyNs() + options.duration_ns);
  if (status.ok()) status = idle.End(SteadyNs(), 0);
  if (!status.ok()) return status;

  const double connections = options.connections;
  report->Add("connections", "connections", connections);
  report->Add("connections_per_second", "opened per second", connections / opening.seconds(), "/s");
  report->Add("generator_cpu_percent", "generator CPU while idle",
              100 * idle.own_cpu_seconds() / idle.seconds(), "%");
  report->Add("kernel_slab_bytes_per_connection", "kernel memory per connection (both ends)",
              (static_cast<double>(slab_after) - static_cast<double>(slab_before)) / connections,
              "B");
  if (!idle.knows_server()) return absl::OkStatus();
  const auto resident = static_cast<double>(idle.server_end().resident_bytes);
  report->Add("server_resident_bytes", "server memory (RSS)", resident, "B");
  report->Add("server_resident_bytes_per_connection", "server memory per connection",
              (resident - static_cast<double>(resident_before)) / connections, "B");
  report->Add("server_cpu_us_per_connection", "server CPU to open one",
              opening.server_cpu_seconds() * 1e6 / connections, "us");
  report->Add("server_idle_cpu_seconds", "server CPU time while idle", idle.server_cpu_seconds(),
              "s");
  report->Add("idle_seconds", "idle for", idle.seconds(), "s");
  return absl::OkStatus();
}

}  // namespace solec

#include "bench/federation.h"

#include "bench/steady_clock.h"
#include "proto/constants.h"

namespace solec {

// Longer than the longest pause between two dials.
static constexpr uint64_t kLinkNs = 90'000'000'000;

absl::Status OpenAcrossServers(const BenchOptions& options, ClientPool* pool) {
  const absl::StatusOr<uint32_t> peer = pool->AddServer(options.peer);
  if (!peer.ok()) return peer.status();
  for (uint32_t i = 0; i < options.pairs; ++i) {
    ClientPlan sender{"bench-s-" + std::to_string(i)};
    sender.receipts = options.receipts;
    pool->Add(std::move(sender));
    ClientPlan receiver{"bench-r-" + std::to_string(i)};
    receiver.receipts = options.receivers_answer;
    receiver.server = *peer;
    pool->Add(std::move(receiver));
  }
  return pool->OpenAll();
}

void AddRoutesAcross(const BenchOptions& options, const ClientPool& pool, Traffic* traffic) {
  for (uint32_t i = 0; i < options.pairs; ++i) {
    const std::string& from = pool.plan(2 * i).name;
    const std::string& to = pool.plan(2 * i + 1).name;
    traffic->AddRoute({2 * i, {2 * i + 1}, "", to + "@" + options.peer_name, from, to});
    if (options.receipts) traffic->ExpectReceipts(i);
    if (options.receivers_answer) traffic->SendReceipts(2 * i + 1);
  }
}

absl::Status RunUntil(ClientPool* pool, Traffic* traffic, uint64_t stall_ns,
                      const std::function<bool()>& done) {
  uint64_t seen = traffic->delivered() + traffic->accepted();
  uint64_t moved_ns = SteadyNs();
  while (pool->status().ok() && !done()) {
    const uint64_t now = SteadyNs();
    const uint64_t moved = traffic->delivered() + traffic->accepted();
    if (std::exchange(seen, moved) != moved) moved_ns = now;
    const TrafficTotals totals = now - moved_ns > stall_ns ? traffic->Totals() : TrafficTotals();
    if (now - moved_ns > stall_ns) {
      std::string text = "for " + std::to_string(stall_ns / kNsPerSecond) +
                         " s nothing was delivered or accepted, with " +
                         std::to_string(totals.lost) + " under way";
      for (size_t code = 0; code < totals.errors.size(); ++code) {
        if (totals.errors[code] == 0) continue;
        text += "; the server answered " + std::to_string(totals.errors[code]) + " with '" +
                std::string(ErrorText(static_cast<ErrorCode>(code))) + "'";
      }
      return absl::AbortedError(text);
    }
    traffic->Flush(now);
    pool->Turn(kNsPerSecond / 20);
  }
  return pool->status();
}

absl::Status AwaitLink(ClientPool* pool, Traffic* traffic) {
  pool->SetSink(traffic);
  traffic->StartWithOneEach();
  const absl::Status status = RunUntil(pool, traffic, kLinkNs, [traffic] {
    return traffic->AllSent() && traffic->AllDone();
  });
  pool->SetSink(nullptr);
  if (!absl::IsAborted(status)) return status;
  return absl::UnavailableError("no message reached the other server: " +
                                std::string(status.message()) +
                                "; is there a link (solec link list), and is --peer-name right?");
}

void AddPeerFigures(const Measurement& server, const Measurement& peer, const std::string& prefix,
                    RunReport* report) {
  const std::string key = prefix.empty() ? "" : prefix + "_";
  const std::string label = prefix.empty() ? "" : prefix + ": ";
  const auto count = static_cast<double>(peer.count());
  report->Add(key + "peer_cpu_seconds", label + "the peer's CPU time", peer.server_cpu_seconds(),
              "s");
  report->Add(key + "peer_cpu_percent", label + "the peer's CPU",
              100 * peer.server_cpu_seconds() / peer.seconds(), "%");
  report->Add(key + "peer_resident_bytes", label + "the peer's memory (RSS)",
              static_cast<double>(peer.server_end().resident_bytes), "B");
  if (peer.server_cpu_seconds() > 0) {
    report->Add(key + "deliveries_per_peer_cpu_second",
                label + "deliveries per CPU second of the peer", count / peer.server_cpu_seconds(),
                "/s");
  }
  const double both = server.server_cpu_seconds() + peer.server_cpu_seconds();
  if (!server.knows_server() || both <= 0 || count == 0) return;
  report->Add(key + "deliveries_per_cpu_second_of_both",
              label + "deliveries per CPU second of both", count / both, "/s");
  report->Add(key + "server_cpu_ns_per_delivery", label + "CPU per delivery",
              server.server_cpu_seconds() * 1e9 / count, "ns");
  report->Add(key + "peer_cpu_ns_per_delivery", label + "CPU per delivery of the peer",
              peer.server_cpu_seconds() * 1e9 / count, "ns");
}

}  // namespace solec

// partition: the link between two servers is cut, --fill messages are sent meanwhile, and it heals.
// The senders' server dials the peer at --link-listen, where the generator forwards to --peer, so
// it can cut. Four stretches:
//
//   link      a message a pair, until the link is up
//   spool     cut: all messages are sent as fast as they are accepted; they wait at the senders'
//             server
//   back      healed: until the first message comes (the next dial, and the agreement on where to
//             go on)
//   catch up  until the last one has come
//
// Nothing may be lost, doubled or reordered.
#include <algorithm>

#include "bench/federation.h"
#include "bench/link_proxy.h"
#include "bench/scenarios.h"
#include "bench/steady_clock.h"

namespace solec {
namespace {

// While nothing is sent or comes: longer than the longest pause between two dials.
constexpr uint64_t kStallNs = 90'000'000'000;

class Partition {
 public:
  Partition(const BenchOptions& options, ClientPool* pool, LinkProxy* proxy, RunReport* report)
      : options_(options),
        pool_(pool),
        proxy_(proxy),
        report_(report),
        traffic_(pool, options.traffic) {
    AddRoutesAcross(options, *pool, &traffic_);
  }

  absl::Status Run() {
    if (absl::Status status = AwaitLink(pool_, &traffic_); !status.ok()) return status;
    if (proxy_->links() == 0) {
      return absl::UnavailableError(
          "the messages did not come by --link-listen: the [[peer]] of the senders' server must "
          "have it as its address, and the other server must have dial = false");
    }
    pool_->SetSink(&traffic_);
    absl::Status status = Spool();
    if (status.ok()) status = CatchUp();
    traffic_.Stop();
    pool_->SetSink(nullptr);
    AddTotals();
    return status;
  }

 private:
  absl::Status Spool() {
    proxy_->Cut();
    const uint64_t messages_each = (options_.fill + options_.pairs - 1) / options_.pairs;
    const uint64_t before = traffic_.accepted();
    Measurement measurement(options_.program.server_pid);
    absl::Status status = measurement.Begin(SteadyNs(), before);
    if (!status.ok()) return status;
    traffic_.SetWaitsForDeliveries(false);
    traffic_.SetMessagesEach(1 + messages_each);
    status = RunUntil(pool_, &traffic_, kStallNs, [this] {
      return traffic_.AllSent() && traffic_.AllAccepted();
    });
    status.Update(measurement.End(SteadyNs(), traffic_.accepted()));
    measurement.AddTo(report_, "accepted", "spool", options_.spin);
    if (measurement.knows_server() && measurement.count() != 0) {
      const auto grown = static_cast<double>(measurement.server_end().resident_bytes) -
                         static_cast<double>(measurement.server_begin().resident_bytes);
      report_->Add("spool_bytes_per_message", "server memory per message that waits",
                   grown / static_cast<double>(measurement.count()), "B");
    }
    return status;
  }

  absl::Status CatchUp() {
    Measurement server(options_.program.server_pid), peer(options_.peer_pid);
    const uint64_t delivered = traffic_.delivered();
    if (absl::Status status = proxy_->Heal(); !status.ok()) return status;
    const uint64_t healed_ns = SteadyNs();
    absl::Status status = RunUntil(pool_, &traffic_, kStallNs, [this, delivered] {
      return traffic_.delivered() != delivered;
    });
    if (!status.ok()) return status;
    const uint64_t first_ns = SteadyNs();
    report_->Add("back_seconds", "from healing to the first delivery",
                 static_cast<double>(first_ns - healed_ns) / 1e9, "s");
    // Those of the turn that brought the first are few of many.
    status = server.Begin(first_ns, traffic_.delivered());
    status.Update(peer.Begin(first_ns, traffic_.delivered()));
    if (!status.ok()) return status;
    uint64_t resident_most = 0;
    uint64_t look_ns = 0;
    status = RunUntil(pool_, &traffic_, kStallNs, [&] {
      const uint64_t now = SteadyNs();
      if (peer.knows_server() && now >= look_ns) {
        look_ns = now + kNsPerSecond / 10;
        const absl::StatusOr<ProcessStats> stats = ReadProcessStats(options_.peer_pid);
        if (stats.ok()) resident_most = std::max(resident_most, stats->resident_bytes);
      }
      return traffic_.AllDone();
    });
    status.Update(server.End(SteadyNs(), traffic_.delivered()));
    status.Update(peer.End(SteadyNs(), traffic_.delivered()));
    server.AddTo(report_, "deliveries", "catch_up", options_.spin);
    if (peer.knows_server()) {
      AddPeerFigures(server, peer, "catch_up", report_);
      report_->Add("catch_up_peer_resident_bytes_most", "catch_up: the peer's memory at its most",
                   static_cast<double>(resident_most), "B");
    }
    return status;
  }

  void AddTotals() {
    const TrafficTotals totals = traffic_.Totals();
    report_->checked = true;
    report_->lost += totals.lost;
    report_->doubled += totals.doubled;
    report_->reordered += totals.reordered;
    report_->damaged += totals.damaged;
    report_->unaccepted += totals.unaccepted;
    for (size_t code = 0; code < totals.errors.size(); ++code) {
      if (totals.errors[code] == 0) continue;
      report_->errors[std::string(ErrorText(static_cast<ErrorCode>(code)))] += totals.errors[code];
    }
  }

  const BenchOptions& options_;
  ClientPool* const pool_;
  LinkProxy* const proxy_;
  RunReport* const report_;
  Traffic traffic_;
};

}  // namespace

absl::Status RunPartition(const BenchOptions& given, ClientPool* pool, RunReport* report) {
  BenchOptions options = given;
  options.receipts = true;  // what is accepted is what may be waited for
  if (absl::Status status = OpenAcrossServers(options, pool); !status.ok()) return status;
  const uint32_t peer = pool->plan(1).server;
  absl::StatusOr<std::unique_ptr<LinkProxy>> proxy =
      LinkProxy::Start(options.link_listen, pool->server(peer));
  if (!proxy.ok()) return proxy.status();
  return Partition(options, pool, proxy->get(), report).Run();
}

}  // namespace solec

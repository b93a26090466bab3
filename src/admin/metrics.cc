#include "admin/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include "admin/peer_figures.h"

namespace solec {
namespace {

void Append(std::string* text, std::string_view name, std::string_view help, bool is_gauge) {
  *text += "# HELP solec_" + std::string(name) + " " + std::string(help) + "\n# TYPE solec_" +
           std::string(name) + (is_gauge ? " gauge\n" : " counter\n");
}

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Prometheus wants seconds.
void AppendStoreMetric(std::string* text, const Metric& metric) {
  std::string name(metric.name);
  std::string value = std::to_string(metric.value);
  if (const size_t ns = name.find("_ns"); ns != std::string::npos) {
    name.replace(ns, 3, "_seconds");
    value = std::to_string(static_cast<double>(metric.value) / 1e9);
  }
  if (!metric.is_gauge) name += "_total";
  Append(text, name, metric.help, metric.is_gauge);
  *text += "solec_" + name + " " + value + "\n";
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

std::vector<Metric> StoreMetrics(const ShardGroup& shards) {
  const DiskStore* store = shards.disk_store();
  if (store == nullptr) return {};
  const StoreFigures figures = store->figures();
  return {
      {"store_commits", "Commits, each synchronized with the disk", figures.commits, false},
      {"store_commits_failed", "Commits that failed", figures.commits_failed, false},
      {"store_commit_ns", "Time spent in commits", figures.commit_ns, false},
      {"store_commit_ns_max_now", "The longest commit so far", figures.commit_ns_max, true},
      {"store_messages_kept", "Messages committed", figures.messages_kept, false},
      {"store_messages_refused", "Messages that could not be kept", figures.messages_refused,
       false},
      {"store_message_bytes", "Bytes of the messages committed", figures.message_bytes, false},
      {"store_runs", "Rows that messages were committed in", figures.runs_kept, false},
      {"store_spooled", "Messages put into spools", figures.messages_spooled, false},
      {"store_spool_refused", "Messages refused because a spool was full",
       figures.spool_messages_refused, false},
      {"store_spool_dropped", "Messages of channels that a full spool did not take",
       figures.spool_messages_dropped, false},
      {"store_records", "Changes of users and channels committed", figures.records_written, false},
      {"store_reads", "Records, waiting messages and histories read", figures.reads, false},
      {"store_reads_failed", "Reads that failed", figures.reads_failed, false},
      {"store_reopened", "Recoveries from a disk that refused to write", figures.reopened, false},
      {"store_position_now", "Position of the last message committed", figures.last_position, true},
      {"store_chat_cutoff_now", "Chats are forgotten up to this position", figures.chat_cutoff,
       true},
      {"store_channel_cutoff_now", "Channels are forgotten up to this position",
       figures.post_cutoff, true},
      {"store_queue_bytes_now", "Bytes on their way to the disk", figures.queue_bytes, true},
      {"store_free_bytes_now", "Bytes free on the disk", figures.free_bytes, true},
      {"store_full_now", "1 while the disk is full", figures.full ? uint64_t{1} : 0, true},
      {"store_failed_now", "1 while nothing can be written", figures.failed ? uint64_t{1} : 0,
       true},
  };
}

std::string PeerMetricsText(const std::vector<PeerStatus>& peers) {
  if (peers.empty()) return {};
  std::string text;
  // A server's name needs no escapes: letters, digits, '.' and '-'.
  const auto sample = [&text](std::string_view name, const PeerStatus& peer, std::string_view kind,
                              const std::string& value) {
    text.append("solec_").append(name).append("{peer=\"").append(peer.name);
    if (!kind.empty()) text.append("\",kind=\"").append(kind);
    text.append("\"} ").append(value).append("\n");
  };
  Append(&text, "link_up_now", "1 while the link to the peer carries messages", true);
  for (const PeerStatus& peer : peers) {
    sample("link_up_now", peer, "", peer.state == PeerState::kUp ? "1" : "0");
  }
  Append(&text, "link_spool_oldest_seconds_now", "Age of what has waited longest for the peer",
         true);
  for (const PeerStatus& peer : peers) {
    sample("link_spool_oldest_seconds_now", peer, "",
           std::to_string(static_cast<double>(peer.spool_oldest_ms) / 1e3));
  }
  // All samples of a metric stand together, so it is the peers that are gone through again.
  std::string described;
  ForEachPeerFigure(peers.front(), [&](const PeerFigure& figure) {
    const std::string name =
        "link_" + std::string(figure.name) + (figure.is_gauge ? "_now" : "_total");
    if (std::exchange(described, name) != name) Append(&text, name, figure.help, figure.is_gauge);
    for (const PeerStatus& peer : peers) {
      ForEachPeerFigure(peer, [&](const PeerFigure& other) {
        if (other.name != figure.name || other.kind != figure.kind) return;
        sample(name, peer, other.kind, std::to_string(other.value));
      });
    }
  });
  return text;
}

static std::vector<PeerStatus> PeersOf(const AdminContext& context) {
  if (!context.has_peers || !context.has_peers()) return {};
  ControlRequest request;
  request.kind = ControlKind::kPeerList;
  return context.control->Ask(request).peers;
}

std::string PrometheusText(const AdminContext& context) {
  const ShardGroup& shards = *context.shards;
  std::string text;
  // A server's name needs no escapes: letters, digits, '.' and '-'.
  Append(&text, "build_info", "What runs here; the value is always 1", true);
  text +=
      "solec_build_info{version=\"" SOLEC_VERSION "\",name=\"" + context.server_name + "\"} 1\n";
  ForEachCounter(shards.counters(0), [&](std::string_view name, std::string_view help, uint64_t,
                                         bool is_gauge) {
    // Prometheus wants counters to end in _total.
    const std::string full = std::string(name) + (is_gauge ? "" : "_total");
    Append(&text, full, help, is_gauge);
    for (size_t shard = 0; shard < shards.shard_count(); ++shard) {
      ForEachCounter(shards.counters(shard),
                     [&](std::string_view other, std::string_view, uint64_t value, bool) {
                       if (other != name) return;
                       text += "solec_" + full + "{shard=\"" + std::to_string(shard) + "\"} " +
                               std::to_string(value) + "\n";
                     });
    }
  });
  // Summed over the shards: 256 codes times many shards would be a page of zeros.
  Append(&text, "connections_closed_total", "Connections closed, by reason", false);
  for (size_t reason = 0; reason < kCloseReasonCount; ++reason) {
    uint64_t sum = 0;
    for (size_t shard = 0; shard < shards.shard_count(); ++shard) {
      sum += shards.counters(shard).closed[reason].Get();
    }
    text += "solec_connections_closed_total{reason=\"" +
            std::string(CloseReasonName(static_cast<CloseReason>(reason))) + "\"} " +
            std::to_string(sum) + "\n";
  }
  Append(&text, "errors_sent_total", "Errors sent to clients, by code", false);
  for (size_t code = 0; code < 256; ++code) {
    uint64_t sum = 0;
    for (size_t shard = 0; shard < shards.shard_count(); ++shard) {
      sum += shards.counters(shard).errors_sent[code].Get();
    }
    if (sum == 0) continue;
    char hex[8];
    std::snprintf(hex, sizeof(hex), "0x%02zx", code);
    text +=
        "solec_errors_sent_total{code=\"" + std::string(hex) + "\"} " + std::to_string(sum) + "\n";
  }
  for (const Metric& metric : StoreMetrics(shards)) AppendStoreMetric(&text, metric);
  text += PeerMetricsText(PeersOf(context));
  Append(&text, "resident_bytes", "Resident memory of the process", true);
  text += "solec_resident_bytes " + std::to_string(ResidentBytes()) + "\n";
  Append(&text, "cpu_seconds_total", "CPU time of the process", false);
  text += "solec_cpu_seconds_total " + std::to_string(CpuSeconds()) + "\n";
  return text;
}

}  // namespace solec

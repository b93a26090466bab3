#include "admin/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

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

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

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
  Append(&text, "resident_bytes", "Resident memory of the process", true);
  text += "solec_resident_bytes " + std::to_string(ResidentBytes()) + "\n";
  Append(&text, "cpu_seconds_total", "CPU time of the process", false);
  text += "solec_cpu_seconds_total " + std::to_string(CpuSeconds()) + "\n";
  return text;
}

}  // namespace solec

#include "bench/measurement.h"

namespace solec {

absl::Status Measurement::ReadServer(ProcessStats* stats) const {
  if (server_pid_ == 0) return absl::OkStatus();
  absl::StatusOr<ProcessStats> read = ReadProcessStats(server_pid_);
  if (!read.ok()) {
    return absl::AbortedError("--server-pid: " + std::string(read.status().message()));
  }
  *stats = *read;
  return absl::OkStatus();
}

absl::Status Measurement::Begin(uint64_t now_ns, uint64_t count) {
  begin_ns_ = now_ns;
  begin_count_ = count;
  own_begin_ = OwnCpuSeconds();
  return ReadServer(&server_begin_);
}

absl::Status Measurement::End(uint64_t now_ns, uint64_t count) {
  end_ns_ = now_ns;
  end_count_ = count;
  own_end_ = OwnCpuSeconds();
  return ReadServer(&server_end_);
}

void Measurement::AddTo(RunReport* report, const std::string& unit, const std::string& prefix,
                        bool spins) const {
  const std::string key = prefix.empty() ? "" : prefix + "_";
  const std::string label = prefix.empty() ? "" : prefix + ": ";
  const auto counted = static_cast<double>(count());
  report->Add(key + "seconds", label + "measured for", seconds(), "s");
  report->Add(key + unit, label + unit, counted);
  report->Add(key + unit + "_per_second", label + unit + " per second", counted / seconds(), "/s");
  const double own_share = 100 * own_cpu_seconds() / seconds();
  report->Add(key + "generator_cpu_percent", label + "generator CPU", own_share, "%");
  if (!knows_server()) return;
  const double server_share = 100 * server_cpu_seconds() / seconds();
  report->Add(key + "server_cpu_seconds", label + "server CPU time", server_cpu_seconds(), "s");
  report->Add(key + "server_cpu_percent", label + "server CPU", server_share, "%");
  if (server_cpu_seconds() > 0) {
    report->Add(key + unit + "_per_server_cpu_second", label + unit + " per server-CPU-second",
                counted / server_cpu_seconds(), "/s");
  }
  report->Add(key + "server_resident_bytes", label + "server memory (RSS)",
              static_cast<double>(server_end_.resident_bytes), "B");
  if (!spins && own_share > 95 && server_share < 95 && server_end_.resident_bytes != 0) {
    report->notes.push_back(label +
                            "the generator was the bottleneck: it could give the server no "
                            "more, so only the figures per server-CPU-second say anything");
  }
}

}  // namespace solec

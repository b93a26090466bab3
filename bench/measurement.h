// The figures of one measured stretch of a run: what was counted between Begin and End, on both
// sides. One thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "bench/process_stats.h"
#include "bench/run_report.h"

namespace solec {

class Measurement {
 public:
  // `server_pid`: 0 if the server's process is not known.
  explicit Measurement(pid_t server_pid) : server_pid_(server_pid) {}

  // `count`: of whatever is measured, so far.
  absl::Status Begin(uint64_t now_ns, uint64_t count);
  absl::Status End(uint64_t now_ns, uint64_t count);

  double seconds() const { return static_cast<double>(end_ns_ - begin_ns_) / 1e9; }
  uint64_t count() const { return end_count_ - begin_count_; }
  double own_cpu_seconds() const { return own_end_ - own_begin_; }
  double server_cpu_seconds() const { return server_end_.cpu_seconds - server_begin_.cpu_seconds; }
  const ProcessStats& server_begin() const { return server_begin_; }
  const ProcessStats& server_end() const { return server_end_; }
  bool knows_server() const { return server_pid_ != 0; }

  // Adds throughput, CPU and memory. `unit`: what was counted, "deliveries"; `prefix`: of the keys
  // and labels, where a run measures more than once.
  void AddTo(RunReport* report, const std::string& unit, const std::string& prefix,
             bool spins) const;

 private:
  absl::Status ReadServer(ProcessStats* stats) const;

  const pid_t server_pid_;
  uint64_t begin_ns_ = 0, end_ns_ = 0;
  uint64_t begin_count_ = 0, end_count_ = 0;
  double own_begin_ = 0, own_end_ = 0;
  ProcessStats server_begin_, server_end_;
};

}  // namespace solec

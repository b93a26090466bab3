// What solec-bench was asked to do. Values, read once from the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/run_program.h"
#include "bench/traffic.h"

namespace solec {

struct BenchOptions {
  std::string scenario;
  std::string connect;
  std::string admin;       // HOST:PORT of the server's HTTP port; empty: not known
  std::string users_file;  // NAME:PASSWORD a line; empty: any name will do
  uint64_t duration_ns = 0;
  uint64_t warmup_ns = 0;
  TrafficOptions traffic;
  uint32_t pairs = 100;
  uint32_t members = 1000;
  uint32_t connections = 10'000;
  double churn_share = 0.05;  // of the connections, per second
  bool receipts = false;
  bool receivers_answer = false;              // with receipts of their own
  bool cold_only = false, warm_only = false;  // login
  std::string peer;         // federation, partition: HOST:PORT of the receivers' server
  std::string peer_name;    // and its name in addresses
  pid_t peer_pid = 0;       // 0: not known
  std::string link_listen;  // partition: HOST:PORT where the senders' server dials the peer
  uint64_t fill = 0;        // history, partition: messages to send first, or while it is cut
  uint16_t page = 100;                        // messages a request
  uint32_t tail = 100;                        // messages
  uint32_t readers = 16;
  bool raw = false;
  bool tls = false;
  bool spin = false;
  ProgramOptions program;
};

// Fills `options`. If the program is to end at once (help, version, a mistake): its exit status.
std::optional<int> ParseBenchOptions(int argc, char** argv, BenchOptions* options);

}  // namespace solec

// The server's configuration: one TOML file, read strictly. An unknown key, a wrong type or a value
// out of range is an error that names file, line and column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace solec {

struct PeerConfig {
  std::string name;
  std::string address;
  std::string public_key;
  bool allow_plain = false;
  bool dial = true;
};

struct Config {
  std::string server_name;           // folded to lower case
  std::vector<std::string> listen = {"127.0.0.1:7653"};
  std::vector<std::string> listen_tls;
  uint64_t shards = 0;               // 0: one per usable CPU
  std::string data_dir;              // empty: nothing is kept on disk
  Policy policy;
  std::string tls_certificate;
  std::string tls_key;
  Limits limits;
  StoreLimits store;
  HistoryLimits history;
  std::vector<PeerConfig> peers;
  std::string admin_listen;          // empty: no HTTP
  std::string admin_socket;          // empty: none
  std::string receive_buffers = "auto";  // or "plain", "bundles", "incremental"
  uint64_t spin_us = 0;              // how long a shard polls after its last work before it sleeps
  std::string log_level = "info";
  bool log_json = false;
};

// Errors begin with "FILE:LINE:COLUMN: ".
absl::StatusOr<Config> LoadConfig(const std::string& path);
absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& path);

// A config as a file that gives it.
std::string FormatConfig(const Config& config);

// The defaults as a file, and those keys that have none as comments.
std::string DefaultConfigText();

}  // namespace solec

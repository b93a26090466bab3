// How many connections the whole server has, and how many from one network address. Shared by all
// shards, and touched only when a connection comes and goes.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "base/limits.h"

namespace solec {

class ConnectionLimits {
 public:
  void Configure(uint64_t connections_max, uint64_t per_address_max) {
    connections_max_.store(connections_max, std::memory_order_relaxed);
    per_address_max_.store(per_address_max, std::memory_order_relaxed);
  }

  // Whether addresses must be counted: asking the kernel for a peer's address costs a call.
  bool counts_addresses() const {
    return per_address_max_.load(std::memory_order_relaxed) != kUnlimited;
  }

  // Counts a connection in; false, and nothing is counted, at a limit. `address`: without the port,
  // empty where addresses are not counted.
  bool Enter(std::string_view address);
  // Counts it out, with the same address.
  void Leave(std::string_view address);

  // Connections of all shards, those between two shards included.
  uint64_t count() const { return connections_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> connections_max_{kUnlimited};
  std::atomic<uint64_t> per_address_max_{kUnlimited};
  std::atomic<uint64_t> connections_{0};
  std::mutex mutex_;
  absl::flat_hash_map<std::string, uint64_t, TextHash, TextEqual> by_address_;  // under mutex_
};

}  // namespace solec

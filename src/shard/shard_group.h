// All shards of one server: their threads, mailboxes, listening sockets and password workers.
// Owned by the server's main thread; every function here is for that side (any thread but a
// shard's), and none is on the message path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "io/receive_buffers.h"
#include "link/peer_entry.h"
#include "net/tls_context.h"
#include "shard/control.h"
#include "shard/counters.h"
#include "store/disk_store.h"

namespace solec {

struct ShardGroupOptions {
  std::string server_name;            // folded to lower case
  std::vector<std::string> listen;    // "127.0.0.1:7653", "[::1]:0"; port 0: any free one
  std::vector<std::string> listen_tls;  // likewise, for TLS; only with `tls`
  std::shared_ptr<const TlsContext> tls;  // null: none
  std::vector<int> cpus;              // one shard each, pinned to that CPU; -1: not pinned
  Limits limits;
  Policy policy;
  std::vector<PeerEntry> peers;
  std::function<void(std::string_view)> log;  // lines about links; any thread, does not block
  uint32_t password_workers = 1;
  uint64_t spin_ns = 0;               // how long a shard polls before it sleeps, after work
  ReceiveBufferMode receive_buffers = ReceiveBufferMode::kPlain;  // the kernel must have it
  std::optional<DiskStoreOptions> disk;  // where everything is kept; none: in memory
};

class ShardGroup final : public ControlTarget {
 public:
  // Opens the store, binds, starts all threads, returns when every shard accepts connections.
  static absl::StatusOr<std::unique_ptr<ShardGroup>> Start(const ShardGroupOptions& options);
  ~ShardGroup() override;  // stops at once

  // The real addresses, in the order of options.listen.
  const std::vector<std::string>& listening() const;
  const std::vector<std::string>& listening_tls() const;

  absl::StatusOr<std::string> HashPassword(const std::string& password) override;

  // Goes to the shard or shards that it concerns.
  ControlReply Ask(const ControlRequest& request) override;

  // New limits, policy and peers for everything that happens from now on; sessions stay, and so do
  // links to peers whose entries are as before.
  void Reconfigure(const Limits& limits, const Policy& policy, const HistoryLimits& history,
                   const std::vector<PeerEntry>& peers);

  // What connections from now on use; those that are there keep what they have.
  void SetTls(std::shared_ptr<const TlsContext> tls);

  // No new connections; every session gets Error 0x44, its output is sent, and it closes.
  // Returns once all have closed or `timeout_ms` has passed: true if all closed.
  bool Drain(uint64_t timeout_ms);

  // Ends all shards at once and joins their threads; then the store commits what they left it.
  void Stop();

  // Null if everything is kept in memory.
  DiskStore* disk_store() const;

  size_t shard_count() const;
  const ShardCounters& counters(size_t shard) const;

 private:
  ShardGroup();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace solec

// A running server: its shards, its admin socket, its configuration.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "admin/admin_http.h"
#include "admin/admin_socket.h"
#include "config/config.h"
#include "shard/shard_group.h"

namespace solec {

class Server {
 public:
  // `config_path` is read again at Reload; empty: there is nothing to reload. `receive_buffers`:
  // what Preflight chose. `drain` asks the owner to begin the end (from an admin thread).
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config,
                                                       const std::string& config_path,
                                                       ReceiveBufferMode receive_buffers,
                                                       std::function<void()> drain);

  ShardGroup* shards() { return shards_.get(); }

  // "ready name=… listen=… listen_tls=… admin=… shards=…", for programs that started the server.
  std::string ReadyLine() const;

  // Reads the configuration again. Limits, policy, certificate and log change; if the file is
  // wrong, or asks for what only a restart can give, nothing changes and the error says why. Any
  // thread.
  absl::Status Reload();

  // No new connections; every session gets Error 0x44. False if some did not end in time.
  bool Drain(uint64_t timeout_ms);

 private:
  Server(Config config, std::string config_path);

  bool HasPeers() const;

  const std::string config_path_;
  mutable std::mutex reload_mutex_;
  Config config_;  // under reload_mutex_
  // A client that comes back after a reload finds its ticket valid still.
  const TlsTicketKeys ticket_keys_ = TlsTicketKeys::Make();
  std::shared_ptr<const TlsContext> tls_;  // under reload_mutex_; never null once it has started
  std::unique_ptr<ShardGroup> shards_;
  std::unique_ptr<AdminSocket> admin_socket_;
  std::unique_ptr<AdminHttp> admin_http_;
};

}  // namespace solec

#include "server/server.h"

#include <algorithm>
#include <utility>

#include "io/uring_probe.h"
#include "server/backup.h"
#include "server/cpus.h"
#include "server/data_dir.h"
#include "server/log.h"
#include "server/store_options.h"
#include "server/tls_files.h"

namespace solec {
namespace {

// One shard a usable CPU, or as many as the config says; those without a CPU of their own float.
std::vector<int> ShardCpus(uint64_t shards) {
  std::vector<int> cpus = UsableCpus();
  if (shards != 0) cpus.resize(shards, -1);
  return cpus;
}

std::string Joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text.empty() ? "-" : text;
}

std::vector<PeerEntry> PeersOf(const Config& config) {
  std::vector<PeerEntry> peers;
  for (const PeerConfig& peer : config.peers) {
    peers.push_back({peer.name, peer.address, peer.public_key, peer.allow_plain, peer.dial});
  }
  return peers;
}

// The keys that only a restart can change.
absl::Status CheckSame(const Config& before, const Config& after) {
  const std::pair<const char*, bool> same[] = {
      {"server.name", before.server_name == after.server_name},
      {"server.listen", before.listen == after.listen},
      {"server.listen_tls", before.listen_tls == after.listen_tls},
      {"server.shards", before.shards == after.shards},
      {"server.data_dir", before.data_dir == after.data_dir},
      {"limits.memory_store_bytes_max",
       before.limits.memory_store_bytes_max == after.limits.memory_store_bytes_max},
      {"limits.password_queue_max",
       before.limits.password_queue_max == after.limits.password_queue_max},
      // The check of a name that does not exist takes as long as these say, from the start on.
      {"limits.password_memory",
       before.limits.password_memory_bytes == after.limits.password_memory_bytes},
      {"limits.password_passes", before.limits.password_passes == after.limits.password_passes},
      {"store.cache", before.store.cache_bytes == after.store.cache_bytes},
      {"store.write_buffer", before.store.write_buffer_bytes == after.store.write_buffer_bytes},
      {"store.commit_delay", before.store.commit_delay_ms == after.store.commit_delay_ms},
      {"store.free_space_min", before.store.free_space_min == after.store.free_space_min},
      {"admin.listen", before.admin_listen == after.admin_listen},
      {"admin.socket", before.admin_socket == after.admin_socket},
      {"io.receive_buffers", before.receive_buffers == after.receive_buffers},
      {"io.spin", before.spin_us == after.spin_us},
  };
  for (const auto& [key, is_same] : same) {
    if (!is_same) {
      return absl::InvalidArgumentError("'" + std::string(key) + "' changes only at a restart");
    }
  }
  return absl::OkStatus();
}

}  // namespace

Server::Server(Config config, std::string config_path)
    : config_path_(std::move(config_path)), config_(std::move(config)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config,
                                                      const std::string& config_path,
                                                      ReceiveBufferMode receive_buffers,
                                                      std::function<void()> drain) {
  std::unique_ptr<Server> server(new Server(config, config_path));
  ShardGroupOptions options;
  options.server_name = config.server_name;
  options.listen = config.listen;
  options.listen_tls = config.listen_tls;
  std::vector<std::string> warned;  // by Preflight
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls =
      LoadTls(config, server->ticket_keys_, &warned);
  if (!tls.ok()) return tls.status();
  options.tls = server->tls_ = *std::move(tls);
  options.cpus = ShardCpus(config.shards);
  options.limits = config.limits;
  options.policy = config.policy;
  options.peers = PeersOf(config);
  StartQuickLog();
  options.log = [](std::string_view text) { QuickLog(spdlog::level::info, text); };
  options.receive_buffers = receive_buffers;
  options.spin_ns = config.spin_us * 1'000;
  if (!config.data_dir.empty()) {
    if (absl::Status made = MakeDataDir(config.data_dir); !made.ok()) return made;
    options.disk = StoreOptionsOf(config);
    options.disk->log = [](std::string_view text) { spdlog::warn("store: {}", text); };
  }
  options.password_workers = static_cast<uint32_t>(std::max<size_t>(1, UsableCpus().size() / 2));
  spdlog::info("solecd " SOLEC_VERSION ", server {}, {} shards on {}, receive buffers {}",
               config.server_name, options.cpus.size(), CpuText(options.cpus),
               ReceiveBufferModeName(receive_buffers));
  spdlog::info("{}", TlsText(*server->tls_));
  absl::StatusOr<std::unique_ptr<ShardGroup>> shards = ShardGroup::Start(options);
  if (!shards.ok()) return shards.status();
  server->shards_ = *std::move(shards);
  AdminContext context{server->shards_.get(), server->shards_.get(), config.server_name,
                       [one = server.get()] { return one->Reload(); }, std::move(drain),
                       [one = server.get()] { return one->HasPeers(); }, {}};
  if (DiskStore* store = server->shards_->disk_store(); store != nullptr) {
    RemoveSnapshots(config.data_dir);
    context.backup = [store](const std::string& folder) { return BackUpStore(store, folder); };
  }
  if (!config.admin_socket.empty()) {
    absl::StatusOr<std::unique_ptr<AdminSocket>> admin =
        AdminSocket::Start(config.admin_socket, context);
    if (!admin.ok()) return admin.status();
    server->admin_socket_ = *std::move(admin);
  }
  if (!config.admin_listen.empty()) {
    absl::StatusOr<std::unique_ptr<AdminHttp>> http =
        AdminHttp::Start(config.admin_listen, context);
    if (!http.ok()) return http.status();
    server->admin_http_ = *std::move(http);
  }
  return server;
}

std::string Server::ReadyLine() const {
  std::lock_guard lock(reload_mutex_);
  return "ready name=" + config_.server_name + " listen=" + Joined(shards_->listening()) +
         " listen_tls=" + Joined(shards_->listening_tls()) +
         " admin=" + (admin_http_ == nullptr ? "-" : admin_http_->address()) +
         " shards=" + std::to_string(shards_->shard_count());
}

absl::Status Server::Reload() {
  if (config_path_.empty()) {
    return absl::FailedPreconditionError("this server was started without a configuration file");
  }
  // From the reading on: of two reloads at once, the later one must win.
  std::lock_guard lock(reload_mutex_);
  absl::StatusOr<Config> config = LoadConfig(config_path_);
  if (!config.ok()) return config.status();
  if (absl::Status same = CheckSame(config_, *config); !same.ok()) return same;
  std::vector<std::string> warnings;
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls =
      LoadTls(*config, ticket_keys_, &warnings);
  if (!tls.ok()) return tls.status();
  if ((*tls)->certificate_id() != tls_->certificate_id()) {
    if (absl::Status valid = CheckNotExpired(**tls, *config); !valid.ok()) return valid;
    spdlog::info("{}", TlsText(**tls));
  }
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  tls_ = *std::move(tls);
  shards_->SetTls(tls_);
  config_ = *std::move(config);
  SetUpLog(config_.log_level, config_.log_json);
  shards_->Reconfigure(config_.limits, config_.policy, config_.history, PeersOf(config_));
  return absl::OkStatus();
}

bool Server::HasPeers() const {
  std::lock_guard lock(reload_mutex_);
  return !config_.peers.empty();
}

bool Server::Drain(uint64_t timeout_ms) {
  if (admin_http_ != nullptr) admin_http_->SetReady(false);
  return shards_->Drain(timeout_ms);
}

}  // namespace solec

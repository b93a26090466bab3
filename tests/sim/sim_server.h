// One server of the simulation: 1 to 4 shards on the simulated network, its store and its
// passwords. It can be killed and started again: then what its store has committed is all that is
// left.
//
// Driven by a SimWorld, on its thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/sim_io.h"
#include "net/connection_limits.h"
#include "shard/shard.h"
#include "store/disk_store.h"
#include "store/memory_store.h"

namespace solec {

// Answers after a while. The hash of a password is "hash:" and the password.
class SimPasswords final : public PasswordChecker {
 public:
  SimPasswords(SimNetwork* network, uint64_t delay_ns_max)
      : network_(network), delay_ns_max_(delay_ns_max) {}

  bool Submit(PasswordCheck check) override;
  void Poll(uint32_t shard, std::vector<PasswordVerdict>* verdicts) override;
  // Calls wake(shard) for each verdict that has become ready.
  void Progress(const std::function<void(uint32_t)>& wake);
  void Forget() { pending_.clear(); }

  size_t queue_max = 1'000;

 private:
  struct Pending {
    PasswordCheck check;
    uint64_t ready_ns;
    bool announced;
  };
  SimNetwork* network_;
  const uint64_t delay_ns_max_;
  std::vector<Pending> pending_;
};

struct SimServerOptions {
  std::string name = "a.example";
  uint32_t shard_count = 1;
  Limits limits;
  Policy policy;
  size_t ring_bytes = 256 * 1024;
  uint64_t password_delay_ns_max = 50'000'000;
  // A disk store, in memory, that survives a crash; else a memory store for each shard.
  bool durable = false;
  uint64_t commit_delay_ns_max = 5'000'000;
  std::vector<PeerEntry> peers{};
};

class SimServer {
 public:
  // `host`: its number on the network. What goes wrong is written to `problem`.
  SimServer(SimNetwork* network, const SimServerOptions& options, uint32_t host,
            std::string* problem);

  const std::string& name() const { return options_.name; }
  uint32_t host() const { return host_; }
  uint32_t shard_count() const { return static_cast<uint32_t>(shards_.size()); }
  uint32_t ShardOf(std::string_view key) const {
    return static_cast<uint32_t>(HashText(key, kHashKey) % shards_.size());
  }
  ShardCore& core(uint32_t shard) { return shards_[shard]->shard.core(); }
  SimIo& io(uint32_t shard) { return shards_[shard]->io; }
  bool durable() const { return options_.durable; }
  // Only one that is not durable has these.
  MemoryStore& store(uint32_t shard) { return *shards_[shard]->memory_store; }
  SimPasswords& passwords() { return passwords_; }
  uint64_t Count(Counter ShardCounters::*counter);
  uint64_t CountClosed(CloseReason reason);

  // Has `task` run on a shard in its next turn.
  void Submit(uint32_t shard, std::function<void(ShardCore&)> task);
  void Drain();
  bool drained();
  void Crash();
  // Another configuration, as by a reload; it stays through crashes.
  void SetPeers(const std::vector<PeerEntry>& peers);
  const std::vector<PeerEntry>& peers() const { return options_.peers; }

  // Connections, sessions and sockets that are left, and mail that nobody took in; empty: nothing.
  std::string Leftovers();
  // Every connection that the server has, a line each, for whoever looks into a failure.
  std::string Describe();

  // --- for whoever drives it ---

  // What threads beside the shards do by now: passwords, the store's writer and reader.
  void Progress();
  // How many shards could take a step, and the step of the one with that place among them.
  size_t ReadyCount() const;
  void StepShard(size_t place);
  // Nobody can run: a shard that sleeps though it has mail is a problem.
  void CheckSleepers();
  uint64_t NextNs() const;

 private:
  static constexpr uint64_t kHashKey = 0x5eed;

  struct One {
    One(SimServer* server, uint32_t index);
    SimIo io;
    std::unique_ptr<MemoryStore> memory_store;
    Shard<SimIo> shard;
    bool between = false;  // BeginTurn was called, FinishTurn was not
    bool may_sleep = false;
  };
  void Start();
  void StepStore();
  StorePort* PortOf(uint32_t shard, MemoryStore* memory_store);
  ShardEnvironment EnvironmentOf(uint32_t shard, MemoryStore* memory_store);
  static bool MayRun(const One& one);

  SimNetwork* const network_;
  SimServerOptions options_;
  const uint32_t host_;
  std::string* const problem_;
  SimPasswords passwords_;
  const std::shared_ptr<void> disk_;  // outlives the store
  std::unique_ptr<DiskStore> disk_store_;
  uint64_t store_ready_ns_ = 0;  // when the store does something again
  std::unique_ptr<MemorySpools> spools_;
  std::unique_ptr<MailRings> rings_;
  std::unique_ptr<ConnectionLimits> connection_limits_;
  std::vector<SimIo*> ios_;
  std::vector<std::unique_ptr<One>> shards_;
};

}  // namespace solec

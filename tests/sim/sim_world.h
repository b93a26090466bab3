// A whole server of 1 to 4 shards and its clients in one thread on a simulated network. Whose turn
// it is, how long things take and what breaks comes from the seed; the clock moves only when nobody
// can run. A shard that sleeps runs again only if an event, a doorbell or its timer allows it, so a
// lost wake-up shows: as a sleeping shard with mail.
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

class SimSession;

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

struct SimOptions {
  uint64_t seed = 1;
  uint32_t shard_count = 1;
  SimFaults faults;
  Limits limits;
  Policy policy;
  size_t ring_bytes = 256 * 1024;
  uint64_t password_delay_ns_max = 50'000'000;
  // A disk store, in memory, that survives a crash; else a memory store for each shard.
  bool durable = false;
  uint64_t commit_delay_ns_max = 5'000'000;
};

class SimWorld {
 public:
  explicit SimWorld(const SimOptions& options);
  ~SimWorld();

  // --- the server ---

  uint32_t shard_count() const { return static_cast<uint32_t>(shards_.size()); }
  uint32_t ShardOf(std::string_view name) const {
    return static_cast<uint32_t>(HashText(name, kHashKey) % shards_.size());
  }
  ShardCore& core(uint32_t shard) { return shards_[shard]->shard.core(); }
  SimIo& io(uint32_t shard) { return shards_[shard]->io; }
  bool durable() const { return options_.durable; }
  // Only one that is not durable has these.
  MemoryStore& store(uint32_t shard) { return *shards_[shard]->memory_store; }
  SimPasswords& passwords() { return passwords_; }
  SimNetwork& network() { return network_; }
  uint64_t Count(Counter ShardCounters::*counter);
  uint64_t CountClosed(CloseReason reason);

  ControlReply Control(ControlKind kind, const std::string& name, const std::string& argument = "");
  // An account whose password is "secret".
  void AddUser(const std::string& name);
  void AddContacts(const std::string& a, const std::string& b);
  void JoinChannel(const std::string& user, const std::string& channel);
  void Drain();
  // The process is killed and started again: what the store has committed is all that is left.
  void Crash();
  bool drained();
  // Connections, sessions and sockets that are left, and mail that nobody took in; empty: nothing.
  std::string Leftovers();
  // Every connection that the server has, a line each, for whoever looks into a failure.
  std::string Describe();

  // --- time ---

  uint64_t now_ns() const { return network_.now_ns(); }
  // One actor's step, or the clock's. False if nothing will ever happen again.
  bool Step();
  // Until `done` or so much time has passed. False, and Problem() says so, if it never came.
  bool RunUntil(const std::function<bool()>& done, uint64_t ns_max = 120'000'000'000);
  void RunFor(uint64_t ns);
  // What went wrong in the world itself: a lost wake-up, no end. Empty: nothing.
  const std::string& problem() const { return problem_; }

  // --- clients (SimSession registers itself) ---

  void Enter(SimSession* session) { sessions_.push_back(session); }
  void Leave(SimSession* session);

 private:
  static constexpr uint64_t kHashKey = 0x5eed;
  static constexpr uint64_t kStepsMax = 5'000'000;

  struct One {
    One(SimWorld* world, uint32_t index);
    SimIo io;
    std::unique_ptr<MemoryStore> memory_store;
    Shard<SimIo> shard;
    bool between = false;  // BeginTurn was called, FinishTurn was not
    bool may_sleep = false;
  };
  void Start();
  StorePort* PortOf(uint32_t shard, MemoryStore* memory_store);
  bool StepStore();
  bool MayRun(const One& one) const;
  void StepShard(One* one);
  void CheckSleepers();
  uint64_t NextNs() const;

  const SimOptions options_;
  SimNetwork network_;
  SimPasswords passwords_;
  const std::shared_ptr<void> disk_;     // outlives the store
  std::unique_ptr<DiskStore> disk_store_;
  std::unique_ptr<MemorySpools> memory_spools_;  // of a server that is not durable
  uint64_t store_ready_ns_ = 0;          // when the store does something again
  std::unique_ptr<MailRings> rings_;
  std::unique_ptr<ConnectionLimits> connection_limits_;
  std::vector<SimIo*> ios_;
  std::vector<std::unique_ptr<One>> shards_;
  std::vector<SimSession*> sessions_;
  std::string problem_;
  uint64_t steps_ = 0;
};

}  // namespace solec

// One server or several and their clients in one thread on a simulated network. Whose turn it is,
// how long things take and what breaks comes from the seed; the clock moves only when nobody can
// run. A shard that sleeps runs again only if an event, a doorbell or its timer allows it, so a
// lost wake-up shows: as a sleeping shard with mail.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_server.h"

namespace solec {

class SimSession;

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
  // One server, a.example.
  explicit SimWorld(const SimOptions& options);
  // Several, numbered as they come; they listen on AddressOf(number).
  SimWorld(uint64_t seed, const SimFaults& faults, const std::vector<SimServerOptions>& servers);

  // "127.0.0.1:7653", and a port more for each.
  static std::string AddressOf(size_t server);

  SimServer& server(size_t number) { return *servers_[number]; }
  size_t server_count() const { return servers_.size(); }
  SimNetwork& network() { return network_; }

  // --- the first server, for tests that have only that one ---

  uint32_t shard_count() const { return servers_[0]->shard_count(); }
  uint32_t ShardOf(std::string_view name) const { return servers_[0]->ShardOf(name); }
  ShardCore& core(uint32_t shard) { return servers_[0]->core(shard); }
  SimIo& io(uint32_t shard) { return servers_[0]->io(shard); }
  bool durable() const { return servers_[0]->durable(); }
  MemoryStore& store(uint32_t shard) { return servers_[0]->store(shard); }
  SimPasswords& passwords() { return servers_[0]->passwords(); }
  uint64_t Count(Counter ShardCounters::*counter) { return servers_[0]->Count(counter); }
  uint64_t CountClosed(CloseReason reason) { return servers_[0]->CountClosed(reason); }
  void Drain() { servers_[0]->Drain(); }
  bool drained() { return servers_[0]->drained(); }
  // The process is killed and started again: what the store has committed is all that is left.
  void Crash() { servers_[0]->Crash(); }
  std::string Leftovers() { return servers_[0]->Leftovers(); }
  std::string Describe() { return servers_[0]->Describe(); }

  // Asks one shard, and runs the world until it has answered.
  ControlReply Ask(size_t server, uint32_t shard, const ControlRequest& request);
  ControlReply Control(ControlKind kind, const std::string& name, const std::string& argument = "",
                       size_t server = 0);
  // An account whose password is "secret".
  void AddUser(const std::string& name, size_t server = 0);
  void AddContacts(const std::string& a, const std::string& b);
  void JoinChannel(const std::string& user, const std::string& channel);

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
  static constexpr uint64_t kStepsMax = 5'000'000;

  static SimServerOptions FirstOf(const SimOptions& options);
  uint64_t NextNs() const;

  SimNetwork network_;
  std::string problem_;
  std::vector<std::unique_ptr<SimServer>> servers_;
  std::vector<SimSession*> sessions_;
  uint64_t steps_ = 0;
};

}  // namespace solec

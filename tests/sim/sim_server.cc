#include "sim/sim_server.h"

#include <algorithm>

namespace solec {

// --- passwords ---

bool SimPasswords::Submit(PasswordCheck check) {
  if (pending_.size() >= queue_max) return false;
  const uint64_t ready_ns = network_->now_ns() + network_->random().Below(delay_ns_max_ + 1);
  network_->NoteTime(ready_ns);
  pending_.push_back({std::move(check), ready_ns, false});
  return true;
}

void SimPasswords::Poll(uint32_t shard, std::vector<PasswordVerdict>* verdicts) {
  std::erase_if(pending_, [&](const Pending& pending) {
    if (pending.check.shard != shard || !pending.announced) return false;
    verdicts->push_back(
        {pending.check.ticket, pending.check.hash == "hash:" + pending.check.password});
    return true;
  });
}

void SimPasswords::Progress(const std::function<void(uint32_t)>& wake) {
  for (Pending& pending : pending_) {
    if (pending.announced || pending.ready_ns > network_->now_ns()) continue;
    pending.announced = true;
    wake(pending.check.shard);
  }
}

// --- the server ---

SimServer::One::One(SimServer* server, uint32_t index)
    : io(server->network_, &server->ios_, server->host_),
      memory_store(server->options_.durable ? nullptr
                                            : std::make_unique<MemoryStore>(
                                                  server->options_.limits.memory_store_bytes_max,
                                                  server->spools_.get(), index)),
      shard(server->EnvironmentOf(index, memory_store.get()), &io) {}

ShardEnvironment SimServer::EnvironmentOf(uint32_t shard, MemoryStore* memory_store) {
  ShardEnvironment environment;
  environment.server_name = options_.name;
  environment.shard = shard;
  environment.hash_key = kHashKey;
  environment.limits = options_.limits;
  environment.policy = options_.policy;
  environment.rings = rings_.get();
  environment.store =
      memory_store != nullptr ? static_cast<StorePort*>(memory_store) : disk_store_->port(shard);
  environment.passwords = &passwords_;
  environment.connection_limits = connection_limits_.get();
  environment.now_ns = network_->now_ns();
  environment.peers = options_.peers;
  if (!options_.peers.empty()) environment.random_seed = network_->random().Next();
  return environment;
}

SimServer::SimServer(SimNetwork* network, const SimServerOptions& options, uint32_t host,
                     std::string* problem)
    : network_(network),
      options_(options),
      host_(host),
      problem_(problem),
      passwords_(network, options.password_delay_ns_max),
      disk_(options.durable ? MakeStoreMemory() : nullptr) {
  Start();
}

void SimServer::Start() {
  if (options_.durable) {
    DiskStoreOptions store;
    store.path = "/store";
    store.server_name = options_.name;
    store.shard_count = options_.shard_count;
    store.cache_bytes = 1 << 20;
    store.write_buffer_bytes = 1 << 20;
    store.in_memory = true;
    store.memory = disk_;
    store.wake = [this](uint32_t shard) { ios_[shard]->WakeFromOutside(); };
    store.log = [this](std::string_view text) {
      *problem_ = options_.name + "'s store says: " + std::string(text);
    };
    store.now_ms = [this] { return network_->now_ns() / 1'000'000; };
    absl::StatusOr<std::unique_ptr<DiskStore>> opened = DiskStore::Open(std::move(store));
    SOLEC_ASSERT(opened.ok());
    disk_store_ = *std::move(opened);
  } else {
    spools_ = std::make_unique<MemorySpools>(
        options_.shard_count, options_.limits.memory_store_bytes_max,
        [this](uint32_t shard) { ios_[shard]->WakeFromOutside(); },
        [this] { return network_->now_ns() / 1'000'000; });
  }
  rings_ = std::make_unique<MailRings>(options_.shard_count, options_.ring_bytes);
  connection_limits_ = std::make_unique<ConnectionLimits>();
  connection_limits_->Configure(options_.limits.connections_max,
                                options_.limits.connections_per_address_max);
  for (uint32_t i = 0; i < options_.shard_count; ++i) {
    shards_.push_back(std::make_unique<One>(this, i));
    ios_.push_back(&shards_.back()->io);
  }
}

void SimServer::Crash() {
  network_->ForgetHost(host_);
  shards_.clear();
  ios_.clear();
  disk_store_.reset();
  passwords_.Forget();
  Start();
}

void SimServer::SetPeers(const std::vector<PeerEntry>& peers) {
  options_.peers = peers;
  for (uint32_t i = 0; i < shard_count(); ++i) {
    Submit(i, [this, peers](ShardCore& core) {
      core.Reconfigure(options_.limits, options_.policy, peers);
    });
  }
}

uint64_t SimServer::Count(Counter ShardCounters::*counter) {
  uint64_t sum = 0;
  for (const auto& one : shards_) sum += (one->shard.core().counters().*counter).Get();
  return sum;
}

uint64_t SimServer::CountClosed(CloseReason reason) {
  uint64_t sum = 0;
  for (const auto& one : shards_) {
    sum += one->shard.core().counters().closed[static_cast<size_t>(reason)].Get();
  }
  return sum;
}

void SimServer::Submit(uint32_t shard, std::function<void(ShardCore&)> task) {
  shards_[shard]->shard.Submit(std::move(task));
  shards_[shard]->io.WakeFromOutside();
}

void SimServer::Drain() {
  for (uint32_t i = 0; i < shard_count(); ++i) {
    Submit(i, [](ShardCore& core) { core.Drain(); });
  }
}

bool SimServer::drained() {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& one) { return one->shard.core().drained(); });
}

std::string SimServer::Leftovers() {
  std::string text;
  auto note = [&](uint32_t shard, std::string_view what, uint64_t count) {
    if (count == 0) return;
    text.append(options_.name).append(", shard ").append(std::to_string(shard)).append(": ");
    text.append(std::to_string(count)).append(" ").append(what).append("\n");
  };
  for (uint32_t i = 0; i < shard_count(); ++i) {
    ShardCore& one = core(i);
    note(i, "connections", one.connections().count());
    note(i, "connections in the gauge", one.counters().connections_now.Get());
    note(i, "sessions in the gauge", one.counters().sessions_now.Get());
    note(i, "sockets", io(i).socket_count());
    note(i, "mailboxes with mail", one.mailboxes().HasMail() ? 1 : 0);
    note(i, "turns of gathered work", one.HasGathered() ? 1 : 0);
  }
  return text;
}

std::string SimServer::Describe() {
  std::string text;
  for (uint32_t i = 0; i < shard_count(); ++i) {
    core(i).connections().ForEach([&](Connection& c) {
      text += options_.name + ", shard " + std::to_string(i) + " socket " +
              std::to_string(c.socket.index) + " state " +
              std::to_string(static_cast<int>(c.state)) + " holds " + std::to_string(c.holds) +
              " held " + std::to_string(c.held_size) + " output " +
              std::to_string(c.output.byte_count()) + (c.receiving ? " receiving" : "") +
              (c.output.send_in_flight() ? " sending" : "") + (c.dialled ? " dialled" : "") + "\n";
    });
  }
  return text;
}

// --- steps ---

void SimServer::Progress() {
  passwords_.Progress([this](uint32_t shard) { ios_[shard]->WakeFromOutside(); });
  StepStore();
}

// The writer's and the reader's threads, each a little late.
void SimServer::StepStore() {
  if (disk_store_ == nullptr || network_->now_ns() < store_ready_ns_) return;
  const bool wrote = disk_store_->RunWriter();
  const bool read = disk_store_->RunReader();
  if (!wrote && !read) return;
  store_ready_ns_ = network_->now_ns() + network_->random().Below(options_.commit_delay_ns_max + 1);
  network_->NoteTime(store_ready_ns_);
}

bool SimServer::MayRun(const One& one) {
  return !one.between || !one.may_sleep || one.io.Runnable();
}

size_t SimServer::ReadyCount() const {
  return static_cast<size_t>(
      std::count_if(shards_.begin(), shards_.end(), [](const auto& one) { return MayRun(*one); }));
}

void SimServer::StepShard(size_t place) {
  for (const auto& one : shards_) {
    if (!MayRun(*one) || place-- != 0) continue;
    if (!one->between) {
      one->may_sleep = one->shard.BeginTurn(0);
    } else {
      one->shard.FinishTurn(one->may_sleep);
    }
    one->between = !one->between;
    return;
  }
}

void SimServer::CheckSleepers() {
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i]->shard.core().mailboxes().HasMail()) continue;
    *problem_ =
        options_.name + ": shard " + std::to_string(i) + " sleeps and has mail: a wake-up was lost";
  }
}

uint64_t SimServer::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (const auto& one : shards_) next = std::min(next, one->io.deadline_ns());
  return next;
}

}  // namespace solec

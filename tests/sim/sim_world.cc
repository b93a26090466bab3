#include "sim/sim_world.h"

#include <algorithm>

#include "sim/sim_session.h"

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

SimWorld::One::One(SimWorld* world, uint32_t index)
    : io(&world->network_, &world->ios_),
      memory_store(world->options_.durable
                       ? nullptr
                       : std::make_unique<MemoryStore>(
                             world->options_.limits.memory_store_bytes_max,
                             world->memory_spools_.get(), index)),
      shard({"a.example", index, kHashKey, world->options_.limits, world->options_.policy,
             world->rings_.get(), world->PortOf(index, memory_store.get()), &world->passwords_,
             world->connection_limits_.get(), world->network_.now_ns()},
            &io) {}

StorePort* SimWorld::PortOf(uint32_t shard, MemoryStore* memory_store) {
  if (memory_store != nullptr) return memory_store;
  return disk_store_->port(shard);
}

SimWorld::SimWorld(const SimOptions& options)
    : options_(options),
      network_(options.seed, options.faults),
      passwords_(&network_, options.password_delay_ns_max),
      disk_(options.durable ? MakeStoreMemory() : nullptr) {
  assert_context.seed = options.seed;
  Start();
}

void SimWorld::Start() {
  if (options_.durable) {
    DiskStoreOptions store;
    store.path = "/store";
    store.server_name = "a.example";
    store.shard_count = options_.shard_count;
    store.cache_bytes = 1 << 20;
    store.write_buffer_bytes = 1 << 20;
    store.in_memory = true;
    store.memory = disk_;
    store.wake = [this](uint32_t shard) { ios_[shard]->WakeFromOutside(); };
    store.log = [this](std::string_view text) {
      problem_ = "the store says: " + std::string(text);
    };
    store.now_ms = [this] { return network_.now_ns() / 1'000'000; };
    absl::StatusOr<std::unique_ptr<DiskStore>> opened = DiskStore::Open(std::move(store));
    SOLEC_ASSERT(opened.ok());
    disk_store_ = *std::move(opened);
  } else {
    memory_spools_ = std::make_unique<MemorySpools>(
        options_.shard_count, options_.limits.memory_store_bytes_max,
        [this](uint32_t shard) { ios_[shard]->WakeFromOutside(); },
        [this] { return network_.now_ns() / 1'000'000; });
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

void SimWorld::Crash() {
  network_.ForgetHost(0);
  shards_.clear();
  ios_.clear();
  disk_store_.reset();
  passwords_.Forget();
  Start();
}

// The writer's and the reader's threads, each a little late.
bool SimWorld::StepStore() {
  if (disk_store_ == nullptr || network_.now_ns() < store_ready_ns_) return false;
  const bool wrote = disk_store_->RunWriter();
  const bool read = disk_store_->RunReader();
  if (!wrote && !read) return false;
  store_ready_ns_ =
      network_.now_ns() + network_.random().Below(options_.commit_delay_ns_max + 1);
  network_.NoteTime(store_ready_ns_);
  return true;
}

SimWorld::~SimWorld() = default;

uint64_t SimWorld::Count(Counter ShardCounters::*counter) {
  uint64_t sum = 0;
  for (const auto& one : shards_) sum += (one->shard.core().counters().*counter).Get();
  return sum;
}

uint64_t SimWorld::CountClosed(CloseReason reason) {
  uint64_t sum = 0;
  for (const auto& one : shards_) {
    sum += one->shard.core().counters().closed[static_cast<size_t>(reason)].Get();
  }
  return sum;
}

ControlReply SimWorld::Control(ControlKind kind, const std::string& name,
                               const std::string& argument) {
  const std::string& key = kind == ControlKind::kChannelJoin ? argument : name;
  const auto reply = std::make_shared<ControlReply>();
  const auto done = std::make_shared<bool>(false);
  One& one = *shards_[ShardOf(key)];
  one.shard.Submit([=](ShardCore& core) {
    core.Control({kind, name, argument}, [reply, done](ControlReply answer) {
      *reply = std::move(answer);
      *done = true;
    });
  });
  one.io.WakeFromOutside();
  RunUntil([done] { return *done; });
  return *reply;
}

void SimWorld::AddUser(const std::string& name) {
  Control(ControlKind::kUserAdd, name, "hash:secret");
}

void SimWorld::AddContacts(const std::string& a, const std::string& b) {
  Control(ControlKind::kContactAdd, a, b);
  Control(ControlKind::kContactAdd, b, a);
}

void SimWorld::JoinChannel(const std::string& user, const std::string& channel) {
  Control(ControlKind::kChannelJoin, channel, user);
}

void SimWorld::Drain() {
  for (const auto& one : shards_) {
    one->shard.Submit([](ShardCore& core) { core.Drain(); });
    one->io.WakeFromOutside();
  }
}

bool SimWorld::drained() {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& one) { return one->shard.core().drained(); });
}

std::string SimWorld::Leftovers() {
  std::string text;
  auto note = [&text](uint32_t shard, std::string_view what, uint64_t count) {
    if (count == 0) return;
    text.append("shard ").append(std::to_string(shard)).append(": ").append(std::to_string(count));
    text.append(" ").append(what).append("\n");
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

std::string SimWorld::Describe() {
  std::string text;
  for (uint32_t i = 0; i < shard_count(); ++i) {
    core(i).connections().ForEach([&](Connection& c) {
      text += "shard " + std::to_string(i) + " socket " + std::to_string(c.socket.index) +
              " state " + std::to_string(static_cast<int>(c.state)) + " holds " +
              std::to_string(c.holds) + " held " + std::to_string(c.held_size) + " output " +
              std::to_string(c.output.byte_count()) + (c.receiving ? " receiving" : "") +
              (c.output.send_in_flight() ? " sending" : "") + "\n";
    });
  }
  return text;
}

// --- time ---

bool SimWorld::MayRun(const One& one) const {
  return !one.between || !one.may_sleep || one.io.Runnable();
}

void SimWorld::StepShard(One* one) {
  if (!one->between) {
    one->may_sleep = one->shard.BeginTurn(0);
    one->between = true;
  } else {
    one->shard.FinishTurn(one->may_sleep);
    one->between = false;
  }
}

// Nobody can run: whoever sleeps must have nothing to do.
void SimWorld::CheckSleepers() {
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i]->shard.core().mailboxes().HasMail()) {
      problem_ = "shard " + std::to_string(i) + " sleeps and has mail: a wake-up was lost";
    }
  }
}

uint64_t SimWorld::NextNs() const {
  uint64_t next = network_.NextNs();
  for (const auto& one : shards_) next = std::min(next, one->io.deadline_ns());
  return next;
}

bool SimWorld::Step() {
  ++steps_;
  network_.Progress();
  passwords_.Progress([this](uint32_t shard) { ios_[shard]->WakeFromOutside(); });
  StepStore();
  // Few enough to count them all.
  size_t ready = 0;
  for (const auto& one : shards_) ready += MayRun(*one) ? 1 : 0;
  for (const SimSession* session : sessions_) ready += session->Ready() ? 1 : 0;
  if (ready == 0) {
    CheckSleepers();
    const uint64_t next = NextNs();
    if (!problem_.empty() || next == UINT64_MAX) return false;
    network_.AdvanceTo(next);
    return true;
  }
  size_t chosen = network_.random().Below(ready);
  for (const auto& one : shards_) {
    if (MayRun(*one) && chosen-- == 0) {
      StepShard(one.get());
      return true;
    }
  }
  for (SimSession* session : sessions_) {
    if (session->Ready() && chosen-- == 0) {
      session->Step();
      return true;
    }
  }
  return true;
}

bool SimWorld::RunUntil(const std::function<bool()>& done, uint64_t ns_max) {
  const uint64_t end_ns = now_ns() + ns_max;
  const uint64_t steps_end = steps_ + kStepsMax;
  while (!done()) {
    if (!Step()) {
      if (problem_.empty()) problem_ = "nothing happens any more";
      return false;
    }
    if (now_ns() > end_ns || steps_ > steps_end) {
      problem_ = steps_ > steps_end ? "a shard spins without end" : "too much time has passed";
      return false;
    }
  }
  return true;
}

void SimWorld::RunFor(uint64_t ns) {
  const uint64_t end_ns = now_ns() + ns;
  network_.NoteTime(end_ns);
  const uint64_t steps_end = steps_ + kStepsMax;
  while (now_ns() < end_ns && Step()) {
    if (steps_ <= steps_end) continue;
    problem_ = "a shard spins without end";
    return;
  }
}

void SimWorld::Leave(SimSession* session) {
  std::erase(sessions_, session);
}

}  // namespace solec

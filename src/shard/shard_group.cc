#include "shard/shard_group.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <future>
#include <random>
#include <thread>

#include "io/endpoint.h"
#include "io/resolver_pool.h"
#include "io/uring_io.h"
#include "shard/shard.h"
#include "store/memory_store.h"
#include "store/password_pool.h"

namespace solec {

// Of all rings into one shard together. None is smaller than the least, half of which holds the
// largest mail (a hand-over: a frame, and what one receive at login brings), nor larger than the
// most: 100 senders with a window of 64 messages.
static constexpr size_t kRingBytesOfShard = 8 << 20, kRingBytesLeast = 256 << 10,
                        kRingBytesMost = 1 << 20;
// Without a disk this part of the memory for what is kept is the spools'.
static constexpr uint64_t kSpoolsPart = 4;
// How long a control request may take; a shard that stops answers no more.
static constexpr auto kAskTimeout = std::chrono::seconds(30);

static absl::Status NoMemoryToHash() {
  return absl::ResourceExhaustedError(
      "not enough memory to hash a password; lower limits.password_memory or give the server more");
}

// A store on disk is one for all shards: each lists every name, and knows only of some who is
// online.
static void MergeEqual(std::vector<ControlItem>* sorted) {
  size_t kept = 0;
  for (ControlItem& item : *sorted) {
    if (kept > 0 && (*sorted)[kept - 1].text == item.text) {
      (*sorted)[kept - 1].flags |= item.flags;
    } else if (&(*sorted)[kept++] != &item) {
      (*sorted)[kept - 1] = std::move(item);
    }
  }
  sorted->resize(kept);
}

struct ShardGroup::Impl {
  struct One {
    std::unique_ptr<UringIo> io;
    std::unique_ptr<MemoryStore> memory;  // if there is no disk
    StorePort* store = nullptr;
    std::unique_ptr<Shard<UringIo>> shard;
    std::thread thread;
    absl::Status started;
    std::atomic<bool> drained{false};
  };

  ShardGroupOptions options;
  uint64_t hash_key = 0;
  const LoginProofs::Key proof_key = LoginProofs::MakeKey();
  std::vector<std::string> listening, listening_tls;
  uint32_t listener_count = 0;
  std::unique_ptr<MailRings> rings;
  ConnectionLimits connection_limits;
  std::unique_ptr<DiskStore> disk;  // outlives the shards, who hold its ports
  std::unique_ptr<MemorySpools> spools;  // if there is no disk; likewise
  std::vector<std::unique_ptr<One>> shards;
  std::unique_ptr<PasswordPool> passwords;
  std::unique_ptr<ResolverPool> resolver;
  std::atomic<bool> stopping{false};
  std::mutex limits_mutex;
  Limits limits;  // under limits_mutex

  // Runs the shard until it is told to stop. On its own thread.
  void Run(uint32_t index, std::promise<void> ready) {
    One& one = *shards[index];
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    const int cpu = options.cpus[index];
    if (cpu >= 0) {
      cpu_set_t cpus;
      CPU_ZERO(&cpus);
      CPU_SET(static_cast<size_t>(cpu), &cpus);
      pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
    }
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(index)).c_str());
    one.started = one.io->Start();
    ready.set_value();
    if (!one.started.ok()) return;
    ShardCore& core = one.shard->core();
    while (!stopping.load(std::memory_order_relaxed)) {
      one.shard->RunTurn(options.spin_ns);
      core.counters().buffers_exhausted.Set(one.io->counts().buffers_exhausted);
      core.counters().completions_overflowed.Set(one.io->counts().completions_overflowed);
      core.counters().accept_failures.Set(one.io->counts().accept_failures);
      core.counters().store_bytes_now.Set(one.store->ByteCount());
      if (core.drained()) one.drained.store(true, std::memory_order_release);
    }
  }

  // The store comes before everything that a client can see.
  absl::Status OpenDisk() {
    if (!options.disk.has_value()) return absl::OkStatus();
    DiskStoreOptions disk_options = *options.disk;
    disk_options.shard_count = static_cast<uint32_t>(shards.size());
    disk_options.wake = [this](uint32_t shard) { shards[shard]->io->WakeFromOutside(); };
    absl::StatusOr<std::unique_ptr<DiskStore>> opened = DiskStore::Open(std::move(disk_options));
    if (!opened.ok()) return opened.status();
    disk = *std::move(opened);
    disk->StartThreads();
    return absl::OkStatus();
  }

  // Those for plain connections come first.
  uint32_t first_tls_listener() const { return static_cast<uint32_t>(listening.size()); }

  // Binds `endpoint` for every shard. Listeners are numbered as they are opened.
  absl::StatusOr<std::string> Listen(const std::string& endpoint) {
    // Without reuse_port first: then an address that another server has is refused.
    absl::StatusOr<int> probe = OpenListener(endpoint, false);
    if (!probe.ok()) return probe.status();
    std::string address = LocalAddress(*probe);
    close(*probe);
    for (const auto& one : shards) {
      absl::StatusOr<int> fd = OpenListener(address, true);
      if (!fd.ok()) return fd.status();
      one->io->Listen(listener_count, *fd);
    }
    ++listener_count;
    return address;
  }

  void Submit(size_t index, std::function<void(ShardCore&)> task) {
    shards[index]->shard->Submit(std::move(task));
    shards[index]->io->WakeFromOutside();
  }

  ControlReply AskOne(size_t index, const ControlRequest& request) {
    auto promise = std::make_shared<std::promise<ControlReply>>();
    std::future<ControlReply> answer = promise->get_future();
    Submit(index, [request, promise](ShardCore& core) {
      core.Control(request,
                   [promise](ControlReply reply) { promise->set_value(std::move(reply)); });
    });
    if (answer.wait_for(kAskTimeout) != std::future_status::ready) {
      return {ControlStatus::kUnavailable, {}};
    }
    return answer.get();
  }
};

ShardGroup::ShardGroup() : impl_(std::make_unique<Impl>()) {}

ShardGroup::~ShardGroup() { Stop(); }

absl::StatusOr<std::unique_ptr<ShardGroup>> ShardGroup::Start(const ShardGroupOptions& options) {
  std::unique_ptr<ShardGroup> group(new ShardGroup());
  Impl& impl = *group->impl_;
  const auto count = static_cast<uint32_t>(options.cpus.size());
  impl.options = options;
  impl.limits = options.limits;
  impl.hash_key = (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  impl.rings = std::make_unique<MailRings>(
      count, std::clamp(std::bit_floor(kRingBytesOfShard / kMailClassCount / count),
                        kRingBytesLeast, kRingBytesMost));
  impl.connection_limits.Configure(options.limits.connections_max,
                                   options.limits.connections_per_address_max);
  std::vector<int> ring_fds;
  for (uint32_t i = 0; i < count; ++i) {
    absl::StatusOr<std::unique_ptr<UringIo>> io =
        UringIo::Create(BestUringOptions(options.receive_buffers));
    if (!io.ok()) return io.status();
    impl.shards.push_back(std::make_unique<Impl::One>());
    impl.shards[i]->io = *std::move(io);
    ring_fds.push_back(impl.shards[i]->io->ring_fd());
  }
  if (absl::Status opened = impl.OpenDisk(); !opened.ok()) return opened;
  for (const std::string& endpoint : options.listen) {
    absl::StatusOr<std::string> address = impl.Listen(endpoint);
    if (!address.ok()) return address.status();
    impl.listening.push_back(*std::move(address));
  }
  for (const std::string& endpoint : options.listen_tls) {
    absl::StatusOr<std::string> address = impl.Listen(endpoint);
    if (!address.ok()) return address.status();
    impl.listening_tls.push_back(*std::move(address));
  }
  impl.passwords = std::make_unique<PasswordPool>(PasswordPool::Options{
      count, options.password_workers, options.limits.password_queue_max,
      options.limits.password_memory_bytes, options.limits.password_passes,
      [&impl](uint32_t shard) { impl.shards[shard]->io->WakeFromOutside(); }});
  if (!impl.passwords->ready()) return NoMemoryToHash();
  impl.resolver = std::make_unique<ResolverPool>(ResolverPool::Options{
      .shard_count = count,
      .wake = [&impl](uint32_t shard) { impl.shards[shard]->io->WakeFromOutside(); }});
  if (impl.disk == nullptr) {
    impl.spools = std::make_unique<MemorySpools>(
        count, options.limits.memory_store_bytes_max / kSpoolsPart,
        [&impl](uint32_t shard) { impl.shards[shard]->io->WakeFromOutside(); });
  }
  for (uint32_t i = 0; i < count; ++i) {
    Impl::One& one = *impl.shards[i];
    one.io->SetPeers(ring_fds);
    if (impl.disk == nullptr) {
      const uint64_t bytes = options.limits.memory_store_bytes_max;
      one.memory = std::make_unique<MemoryStore>((bytes - bytes / kSpoolsPart) / count,
                                                 impl.spools.get(), i);
    }
    one.store = impl.disk == nullptr ? one.memory.get() : impl.disk->port(i);
    ShardEnvironment environment{options.server_name, i, impl.hash_key, options.limits,
                                 options.policy, impl.rings.get(), one.store,
                                 impl.passwords.get(), &impl.connection_limits, one.io->NowNs(),
                                 impl.proof_key, options.peers,
                                 (uint64_t{std::random_device{}()} << 32) | std::random_device{}(),
                                 impl.resolver.get(), options.log};
    one.shard = std::make_unique<Shard<UringIo>>(environment, one.io.get());
    one.shard->core().connections().SetTls(options.tls, impl.first_tls_listener());
  }
  std::vector<std::future<void>> ready;
  for (uint32_t i = 0; i < count; ++i) {
    std::promise<void> promise;
    ready.push_back(promise.get_future());
    impl.shards[i]->thread =
        std::thread([&impl, i](std::promise<void> p) { impl.Run(i, std::move(p)); },
                    std::move(promise));
  }
  for (std::future<void>& one : ready) one.wait();
  for (const auto& one : impl.shards) {
    if (!one->started.ok()) return one->started;
  }
  return group;
}

const std::vector<std::string>& ShardGroup::listening() const { return impl_->listening; }
const std::vector<std::string>& ShardGroup::listening_tls() const { return impl_->listening_tls; }
size_t ShardGroup::shard_count() const { return impl_->shards.size(); }
DiskStore* ShardGroup::disk_store() const { return impl_->disk.get(); }
const ShardCounters& ShardGroup::counters(size_t shard) const {
  return impl_->shards[shard]->shard->core().counters();
}

absl::StatusOr<std::string> ShardGroup::HashPassword(const std::string& password) {
  uint64_t memory, passes;
  {
    std::lock_guard lock(impl_->limits_mutex);
    memory = impl_->limits.password_memory_bytes;
    passes = impl_->limits.password_passes;
  }
  std::string hash = solec::HashPassword(password, memory, passes);
  if (hash.empty()) return NoMemoryToHash();
  return hash;
}

ControlReply ShardGroup::Ask(const ControlRequest& request) {
  const size_t count = impl_->shards.size();
  const bool all = request.kind == ControlKind::kUserList ||
                   request.kind == ControlKind::kChannelList ||
                   request.kind == ControlKind::kConnectionList ||
                   request.kind == ControlKind::kPeerList;
  if (!all) {
    // The user's or channel's shard; a join by an administrator begins at the user's.
    std::string_view key =
        request.kind == ControlKind::kChannelJoin ? request.argument : request.name;
    key = key.substr(0, key.find('@'));
    return impl_->AskOne(HashText(key, impl_->hash_key) % count, request);
  }
  ControlReply whole;
  for (size_t i = 0; i < count; ++i) {
    ControlReply part = impl_->AskOne(i, request);
    if (part.status != ControlStatus::kDone) whole.status = part.status;
    std::move(part.items.begin(), part.items.end(), std::back_inserter(whole.items));
    std::move(part.peers.begin(), part.peers.end(), std::back_inserter(whole.peers));
  }
  std::sort(whole.items.begin(), whole.items.end(),
            [](const ControlItem& a, const ControlItem& b) { return a.text < b.text; });
  MergeEqual(&whole.items);
  std::sort(whole.peers.begin(), whole.peers.end(),
            [](const PeerStatus& a, const PeerStatus& b) { return a.name < b.name; });
  return whole;
}

void ShardGroup::Reconfigure(const Limits& limits, const Policy& policy,
                             const HistoryLimits& history,
                             const std::vector<PeerEntry>& peers) {
  if (impl_->disk != nullptr) impl_->disk->SetHistoryLimits(history);
  {
    std::lock_guard lock(impl_->limits_mutex);
    impl_->limits = limits;
  }
  impl_->connection_limits.Configure(limits.connections_max, limits.connections_per_address_max);
  for (size_t i = 0; i < impl_->shards.size(); ++i) {
    impl_->Submit(i, [limits, policy, peers](ShardCore& core) {
      core.Reconfigure(limits, policy, peers);
    });
  }
}

void ShardGroup::SetTls(std::shared_ptr<const TlsContext> tls) {
  const uint32_t first_listener = impl_->first_tls_listener();
  for (size_t i = 0; i < impl_->shards.size(); ++i) {
    impl_->Submit(i, [tls, first_listener](ShardCore& core) {
      core.connections().SetTls(tls, first_listener);
    });
  }
}

bool ShardGroup::Drain(uint64_t timeout_ms) {
  for (size_t i = 0; i < impl_->shards.size(); ++i) {
    UringIo* io = impl_->shards[i]->io.get();
    impl_->Submit(i, [io](ShardCore& core) {
      io->StopListening();
      core.Drain();
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  auto drained = [this] {
    // A connection on its way from one shard to another is counted by neither.
    return impl_->connection_limits.count() == 0 &&
           std::all_of(impl_->shards.begin(), impl_->shards.end(), [](const auto& one) {
      return one->drained.load(std::memory_order_acquire);
    });
  };
  while (!drained()) {
    // One that sleeps until somebody wants something does not see that its store has become quiet.
    for (const auto& one : impl_->shards) one->io->WakeFromOutside();
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void ShardGroup::Stop() {
  impl_->stopping.store(true);
  for (const auto& one : impl_->shards) {
    if (!one->thread.joinable()) continue;
    one->io->WakeFromOutside();
    one->thread.join();
  }
  if (impl_->disk != nullptr) impl_->disk->Stop();
  impl_->passwords.reset();
  impl_->resolver.reset();
}

}  // namespace solec

#include "io/resolver_pool.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

namespace solec {

struct ResolverPool::Shared {
  explicit Shared(Options given)
      : options(std::move(given)), outboxes(std::make_unique<Outbox[]>(options.shard_count)) {}

  struct Outbox {
    std::atomic<bool> filled{false};
    std::vector<ResolveAnswer> answers;
  };
  Options options;
  std::mutex mutex;  // of all that follows
  std::condition_variable changed;
  std::deque<ResolveRequest> queue;
  std::unique_ptr<Outbox[]> outboxes;
  bool stopping = false;
};

static ResolveAnswer AskSystem(const HostAndPort& where) {
  ResolveAnswer answer;
  const std::string host(where.host);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    answer.error = host + ": " + gai_strerror(error);
    return answer;
  }
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (answer.addresses.size() == kResolvedMax) break;
    NetAddress address;
    address.port = where.port;
    if (each->ai_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(each->ai_addr);
      std::memcpy(address.ip.data(), &v4->sin_addr, sizeof(v4->sin_addr));
    } else if (each->ai_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(each->ai_addr);
      std::memcpy(address.ip.data(), &v6->sin6_addr, sizeof(v6->sin6_addr));
      address.is_v6 = true;
    } else {
      continue;
    }
    answer.addresses.push_back(address);
  }
  freeaddrinfo(found);
  if (answer.addresses.empty()) answer.error = host + ": no address";
  return answer;
}

ResolverPool::ResolverPool(Options options)
    : shared_(std::make_shared<Shared>(std::move(options))) {
  if (!shared_->options.look_up) shared_->options.look_up = AskSystem;
  for (uint32_t i = 0; i < shared_->options.thread_count; ++i) {
    std::thread([shared = shared_] { Work(shared); }).detach();
  }
}

ResolverPool::~ResolverPool() {
  std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
}

bool ResolverPool::Submit(ResolveRequest request) {
  std::lock_guard lock(shared_->mutex);
  if (const auto numeric = ParseNetAddress(request.address)) {
    Answer(shared_.get(), request.shard, {request.ticket, {*numeric}, ""});
    return true;
  }
  if (!SplitHostAndPort(request.address)) {
    Answer(shared_.get(), request.shard, {request.ticket, {}, request.address + ": no port"});
    return true;
  }
  if (shared_->queue.size() >= shared_->options.queue_max) return false;
  shared_->queue.push_back(std::move(request));
  shared_->changed.notify_one();
  return true;
}

// The mutex is held; the waking too, so that it never comes after the pool is gone.
void ResolverPool::Answer(Shared* shared, uint32_t shard, ResolveAnswer answer) {
  Shared::Outbox& outbox = shared->outboxes[shard];
  outbox.answers.push_back(std::move(answer));
  outbox.filled.store(true, std::memory_order_release);
  shared->options.wake(shard);
}

void ResolverPool::Poll(uint32_t shard, std::vector<ResolveAnswer>* answers) {
  Shared::Outbox& outbox = shared_->outboxes[shard];
  if (!outbox.filled.load(std::memory_order_acquire)) return;
  std::lock_guard lock(shared_->mutex);
  outbox.filled.store(false, std::memory_order_relaxed);
  for (ResolveAnswer& answer : outbox.answers) answers->push_back(std::move(answer));
  outbox.answers.clear();
}

void ResolverPool::Work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->queue.empty(); });
    if (shared->stopping) return;
    const ResolveRequest request = std::move(shared->queue.front());
    shared->queue.pop_front();
    lock.unlock();
    ResolveAnswer answer = shared->options.look_up(*SplitHostAndPort(request.address));
    answer.ticket = request.ticket;
    lock.lock();
    if (shared->stopping) return;
    Answer(shared.get(), request.shard, std::move(answer));
  }
}

}  // namespace solec

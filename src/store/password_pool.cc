#include "store/password_pool.h"

#include <sodium.h>

namespace solec {

std::string HashPassword(const std::string& password, uint64_t memory_bytes, uint64_t passes) {
  static const bool ready = sodium_init() >= 0;
  char hash[crypto_pwhash_STRBYTES];
  if (!ready || crypto_pwhash_str_alg(hash, password.data(), password.size(), passes, memory_bytes,
                                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return hash;
}

PasswordPool::PasswordPool(Options options)
    : options_(std::move(options)),
      unknown_hash_(HashPassword("", options_.memory_bytes, options_.passes)),
      outboxes_(std::make_unique<Outbox[]>(options_.shard_count)) {
  for (uint32_t i = 0; i < options_.worker_count; ++i) workers_.emplace_back([this] { Work(); });
}

PasswordPool::~PasswordPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool PasswordPool::Submit(PasswordCheck check) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.queue_max) return false;
    queue_.push_back(std::move(check));
  }
  changed_.notify_one();
  return true;
}

void PasswordPool::Poll(uint32_t shard, std::vector<PasswordVerdict>* verdicts) {
  Outbox& outbox = outboxes_[shard];
  if (!outbox.filled.load(std::memory_order_acquire)) return;
  std::lock_guard lock(outbox.mutex);
  outbox.filled.store(false, std::memory_order_relaxed);
  verdicts->insert(verdicts->end(), outbox.verdicts.begin(), outbox.verdicts.end());
  outbox.verdicts.clear();
}

void PasswordPool::Work() {
  while (true) {
    PasswordCheck check;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      check = std::move(queue_.front());
      queue_.pop_front();
    }
    const bool known = !check.hash.empty();
    const std::string& hash = known ? check.hash : unknown_hash_;
    const bool matches = crypto_pwhash_str_verify(hash.c_str(), check.password.data(),
                                                  check.password.size()) == 0;
    sodium_memzero(check.password.data(), check.password.size());
    Outbox& outbox = outboxes_[check.shard];
    {
      std::lock_guard lock(outbox.mutex);
      outbox.verdicts.push_back({check.ticket, known && matches});
      outbox.filled.store(true, std::memory_order_release);
    }
    options_.wake(check.shard);
  }
}

}  // namespace solec

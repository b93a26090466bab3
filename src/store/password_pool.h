// argon2id (libsodium) on threads of its own, with a bounded queue. A name that nobody has costs
// the same as a wrong password: it is checked against a hash that no password matches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/password_checker.h"

namespace solec {

// Hashes a password; empty if there is not enough memory. Takes as long as argon2id takes.
std::string HashPassword(const std::string& password, uint64_t memory_bytes, uint64_t passes);

class PasswordPool final : public PasswordChecker {
 public:
  struct Options {
    uint32_t shard_count = 1;
    uint32_t worker_count = 1;
    uint64_t queue_max = 4'096;
    uint64_t memory_bytes = 64 << 20;
    uint64_t passes = 2;
    std::function<void(uint32_t shard)> wake;  // there are new verdicts; any thread
  };
  explicit PasswordPool(Options options);
  ~PasswordPool() override;

  // False if there was not even memory for one hash: then no password can be checked.
  bool ready() const { return !unknown_hash_.empty(); }

  bool Submit(PasswordCheck check) override;
  void Poll(uint32_t shard, std::vector<PasswordVerdict>* verdicts) override;

 private:
  void Work();

  const Options options_;
  const std::string unknown_hash_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<PasswordCheck> queue_;
  bool stopping_ = false;
  struct Outbox {
    std::atomic<bool> filled{false};
    std::mutex mutex;
    std::vector<PasswordVerdict> verdicts;
  };
  std::unique_ptr<Outbox[]> outboxes_;
  std::vector<std::thread> workers_;
};

}  // namespace solec

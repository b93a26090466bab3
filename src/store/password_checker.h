// Checking passwords is slow on purpose (argon2id), so shards hand it to somebody else and go on.
// PasswordPool does it on worker threads; the simulation has a checker that answers at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace solec {

struct PasswordCheck {
  uint32_t shard = 0;    // who asks
  uint64_t ticket = 0;   // comes back in the verdict
  std::string hash;      // as the store keeps it; empty: no such user, and the check must take as
                         // long as any other, and fail
  std::string password;
};

struct PasswordVerdict {
  uint64_t ticket = 0;
  bool matches = false;
};

class PasswordChecker {
 public:
  virtual ~PasswordChecker() = default;

  // Takes a check; false, with nothing taken, if the bounded queue is full. Any shard's thread.
  virtual bool Submit(PasswordCheck check) = 0;

  // Moves the verdicts for `shard` that are ready to the end of `verdicts`. That shard's thread.
  // The shard is woken when there are new ones.
  virtual void Poll(uint32_t shard, std::vector<PasswordVerdict>* verdicts) = 0;
};

}  // namespace solec

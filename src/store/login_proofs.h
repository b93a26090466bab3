// Proofs that a password was right a short while ago, so that a crowd that comes back after a cut
// does not pay argon2id again. Kept in memory only. One per shard; that shard's thread.
//
// A proof is a keyed hash (BLAKE2b) of the name, the account's argon2id hash, and the password. The
// key is drawn when the process starts and never leaves it, so a proof says nothing once the
// process is gone. Who can read the process's memory could try passwords against a proof much
// faster than against argon2id: that is what the lifetime bounds.
//
// A proof is made when the check is asked for and remembered when the verdict is there. Since it
// holds the account's hash, it fits no other password of that account: a verdict that comes late,
// after the password was changed, leaves nothing behind that could let anybody in.
//
// Bounded: `count_max` entries of some 65 bytes, the oldest goes first. They expire a lifetime
// after the password was checked; being used does not prolong them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace solec {

struct LoginProof {
  std::array<uint8_t, 16> bytes{};
};

class LoginProofs {
 public:
  using Key = std::array<uint8_t, 32>;

  // A new random key. Drawn once a process; all its shards have the same.
  static Key MakeKey();

  // Remembers nothing until Configure.
  explicit LoginProofs(const Key& key) : key_(key) {}
  ~LoginProofs();
  LoginProofs(const LoginProofs&) = delete;
  LoginProofs& operator=(const LoginProofs&) = delete;

  // Holds at once, for what is remembered too. Either of them 0: nothing is remembered.
  void Configure(uint64_t lifetime_ns, uint64_t count_max);
  bool enabled() const { return count_max_ != 0; }

  // `password_hash`: the account's, as the password is about to be checked against it; empty for a
  // name that nobody has (such a proof is never remembered, and costs the same).
  LoginProof Prove(std::string_view name, std::string_view password_hash,
                   std::string_view password) const;

  // Whether exactly this was remembered less than a lifetime ago. Constant time for all proofs.
  bool Matches(std::string_view name, const LoginProof& proof, uint64_t now_ns) const;

  // The check that `proof` was made for has succeeded. Replaces what was remembered of that name.
  // `now_ns` never runs backwards.
  void Remember(std::string_view name, const LoginProof& proof, uint64_t now_ns);

  // The account is gone, or its password has changed (whose old proofs fit no more anyway).
  void Forget(std::string_view name);

  size_t count() const { return index_by_name_.size(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Listed by age in both directions, or in the list of free ones by `newer`.
  struct Entry {
    uint64_t name_hash;
    uint64_t since_ns;
    LoginProof proof;
    uint32_t older, newer;
  };

  void Remove(uint32_t index);
  void RemoveOldest() { Remove(oldest_); }

  Key key_;
  uint64_t lifetime_ns_ = 0;
  uint64_t count_max_ = 0;
  std::vector<Entry> entries_;
  // By the name's hash. Two names that share one push each other out, and nothing worse: the proof
  // has the whole name in it.
  absl::flat_hash_map<uint64_t, uint32_t> index_by_name_;
  uint32_t oldest_ = kNone, newest_ = kNone, free_ = kNone;
};

}  // namespace solec

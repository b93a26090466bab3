#include "store/login_proofs.h"

#include <sodium.h>

#include <algorithm>

#include "base/assert.h"
#include "base/hash.h"

namespace solec {

static_assert(std::tuple_size_v<LoginProofs::Key> == crypto_generichash_KEYBYTES);
static_assert(sizeof(LoginProof) >= crypto_generichash_BYTES_MIN);

static uint64_t HashOfName(std::string_view name) {
  return HashText(name, text_hash_key);
}

LoginProofs::Key LoginProofs::MakeKey() {
  static const bool ready = sodium_init() >= 0;
  SOLEC_ASSERT(ready);  // it fails only where the kernel gives no random numbers
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

LoginProofs::~LoginProofs() {
  sodium_memzero(key_.data(), key_.size());
  sodium_memzero(entries_.data(), entries_.size() * sizeof(Entry));
}

void LoginProofs::Configure(uint64_t lifetime_ns, uint64_t count_max) {
  lifetime_ns_ = lifetime_ns;
  count_max_ = lifetime_ns == 0 ? 0 : std::min<uint64_t>(count_max, kNone);
  while (count() > count_max_) RemoveOldest();
}

LoginProof LoginProofs::Prove(std::string_view name, std::string_view password_hash,
                              std::string_view password) const {
  crypto_generichash_state state;
  LoginProof proof;
  crypto_generichash_init(&state, key_.data(), key_.size(), sizeof(proof));
  // Each with its size in front, so that no two triples are the same bytes.
  for (std::string_view part : {name, password_hash, password}) {
    const uint64_t size = part.size();
    crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(&size), sizeof(size));
    crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(part.data()), size);
  }
  crypto_generichash_final(&state, proof.bytes.data(), sizeof(proof));
  sodium_memzero(&state, sizeof(state));
  return proof;
}

bool LoginProofs::Matches(std::string_view name, const LoginProof& proof, uint64_t now_ns) const {
  const auto found = index_by_name_.find(HashOfName(name));
  if (found == index_by_name_.end()) return false;
  const Entry& entry = entries_[found->second];
  return now_ns - entry.since_ns < lifetime_ns_ &&
         sodium_memcmp(entry.proof.bytes.data(), proof.bytes.data(), sizeof(proof)) == 0;
}

void LoginProofs::Remember(std::string_view name, const LoginProof& proof, uint64_t now_ns) {
  Forget(name);
  while (oldest_ != kNone && now_ns - entries_[oldest_].since_ns >= lifetime_ns_) RemoveOldest();
  if (count_max_ == 0) return;
  if (count() >= count_max_) RemoveOldest();
  uint32_t index = free_;
  if (index == kNone) {
    index = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    free_ = entries_[index].newer;
  }
  const uint64_t name_hash = HashOfName(name);
  entries_[index] = {name_hash, now_ns, proof, newest_, kNone};
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = index;
  newest_ = index;
  index_by_name_.emplace(name_hash, index);
}

void LoginProofs::Forget(std::string_view name) {
  const auto found = index_by_name_.find(HashOfName(name));
  if (found != index_by_name_.end()) Remove(found->second);
}

void LoginProofs::Remove(uint32_t index) {
  Entry& entry = entries_[index];
  index_by_name_.erase(entry.name_hash);
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  sodium_memzero(&entry.proof, sizeof(entry.proof));
  entry.newer = free_;
  free_ = index;
}

}  // namespace solec

// A keyed 64-bit hash of short strings, for placing names on shards and for string maps. With the
// process's random keys nobody outside can choose names that all fall on one shard or one bucket;
// the simulation fixes the key that places names, so that one seed gives one run (in which order a
// map is walked is never seen). Not a cryptographic hash.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace solec {

namespace hash_internal {

// Multiplies to 128 bits and folds: the mixing step of the wyhash family (Wang Yi, 2019).
inline uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t Load(const char* from, size_t size) {  // size <= 8
  uint64_t value = 0;
  if (size != 0) std::memcpy(&value, from, size);  // an empty view may point nowhere
  return value;
}

}  // namespace hash_internal

inline uint64_t HashText(std::string_view text, uint64_t key) {
  using hash_internal::Load;
  using hash_internal::Mix;
  constexpr uint64_t kOdd1 = 0xa0761d6478bd642f, kOdd2 = 0xe7037ed1a0b428db;
  uint64_t state = Mix(key ^ kOdd1, text.size() ^ kOdd2);
  while (text.size() > 16) {
    state = Mix(Load(text.data(), 8) ^ kOdd1, Load(text.data() + 8, 8) ^ state);
    text.remove_prefix(16);
  }
  const size_t low = text.size() < 8 ? text.size() : 8;
  return Mix(Load(text.data(), low) ^ kOdd2,
             Load(text.data() + low, text.size() - low) ^ state ^ kOdd1);
}

// Drawn before main() begins: nobody outside can choose names that fall into one bucket.
extern const uint64_t text_hash_key;

// Hash and equality for maps with string keys that are looked up by view, without a copy.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return HashText(text, text_hash_key); }
};

struct TextEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

}  // namespace solec

#include "base/hash.h"

#include <random>

namespace solec {

static uint64_t RandomKey() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

const uint64_t text_hash_key = RandomKey();

}  // namespace solec

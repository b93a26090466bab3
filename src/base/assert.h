// SOLEC_ASSERT: for bugs of ours, on in release. It prints the place and what the thread was doing
// (shard, turn and seed, as the shard's loop last set them) and aborts.
// Never assert on bytes that came from outside: a peer's fault is a value, not a crash.
#pragma once

#include <cstdint>

namespace solec {

// What the current thread was doing; printed by a failed assertion so that it can be repeated.
struct AssertContext {
  uint32_t shard = 0;
  uint64_t turn = 0;
  uint64_t seed = 0;
};

inline thread_local AssertContext assert_context;

[[noreturn]] void AssertFailed(const char* expression, const char* file, int line);

}  // namespace solec

#define SOLEC_ASSERT(expression)                                      \
  do {                                                                \
    if (!(expression)) [[unlikely]]                                   \
      ::solec::AssertFailed(#expression, __FILE__, __LINE__);         \
  } while (false)

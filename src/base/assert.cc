#include "base/assert.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace solec {

void AssertFailed(const char* expression, const char* file, int line) {
  const AssertContext& context = assert_context;
  std::fprintf(stderr,
               "solec: assertion failed: %s at %s:%d (shard %" PRIu32 ", turn %" PRIu64
               ", seed %" PRIu64 ")\n",
               expression, file, line, context.shard, context.turn, context.seed);
  std::abort();
}

}  // namespace solec

// The name of a socket on its shard, for code that keeps one without doing I/O: a dense index, and
// a generation that tells a reused index from the socket that was there before.
#pragma once

#include <cstdint>

namespace solec {

struct SocketId {
  uint32_t index = UINT32_MAX;
  uint32_t generation = 0;
  bool valid() const { return index != UINT32_MAX; }
  friend bool operator==(SocketId, SocketId) = default;
};

}  // namespace solec

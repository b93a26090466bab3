// solec-relay: forwards bytes and parses nothing: what a message costs when a server adds nothing
// at all. It greets each connection with one zero byte, so that connections can be made in order.
//
// pairs:  what connection i sends goes to connection i ^ 1, in order of accepting; a connection is
//         read from when its partner is there.
// fanout: what connection 0 sends goes to all others.
//
// One thread. A connection that ends is closed, and what is still sent to it is dropped; the
// numbers of those that come later are not affected. Runs until SIGTERM or SIGINT.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace solec {

enum class RelayMode : uint8_t { kPairs, kFanout };

inline constexpr uint8_t kRelayGreeting = 0;

// Both take over `listener` (blocking mode does not matter) and return only on failure.
absl::Status RunEpollRelay(int listener, RelayMode mode);
absl::Status RunUringRelay(int listener, RelayMode mode);

}  // namespace solec

// Which of two connections between the same two servers stays. Both sides decide alone, from what
// both know: who dialled, and the two names. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace solec {

// The link there is, or our own dial that has reached its handshake.
struct ExistingLink {
  bool dialled = false;    // by us
  bool handshake = false;  // it is not up yet
  uint64_t age_ms = 0;     // since it came up
};

// A link that was not up for this long when the other side's dial comes is the twin of that dial:
// both sides dialled at once.
inline constexpr uint64_t kTwinLinkMs = 10'000;

// Whether a new connection, `dialled` by us or by the peer, takes the place of `existing`.
inline bool NewLinkReplaces(std::string_view own_name, std::string_view peer_name,
                            const ExistingLink& existing, bool dialled) {
  // The same side dials again because it has lost the old one, whatever we know of that.
  if (existing.dialled == dialled) return true;
  const bool twins = existing.handshake || existing.age_ms < kTwinLinkMs;
  if (!twins) return true;
  return (own_name < peer_name) == dialled;  // the one that the lower name dialled stays
}

}  // namespace solec

// Why a connection ended: each has a name, a counter, and a place in the metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace solec {

enum class CloseReason : uint8_t {
  kPeerClosed,         // the other side finished, in order
  kPeerReset,          // the network or the other side broke the connection
  kBadVersion,         // Handshake with another ver_major
  kBadHandshake,       // something else than a well-formed Handshake came first
  kMalformed,          // Error 0x40
  kNotAllowed,         // Error 0x41
  kOverLimit,          // went on over a limit after Error 0x42
  kLoginTimeout,       // handshake and login took too long
  kLoginTries,         // too many wrong passwords
  kTooManySessions,    // sessions_per_user_max
  kTooManyConnections, // connections_max or connections_per_address_max
  kUnknownPeer,        // Error 0x03
  kLinkReplaced,       // another link between the same two servers stays; Error 0x43 where refused
  kLinkSilent,         // a peer said nothing for twice the interval of pings
  kLinkChanged,        // the peer's entry in the configuration was changed or removed
  kTooSlow,            // Error 0x45
  kAccountRemoved,     // by an administrator, or the password changed
  kShuttingDown,       // Error 0x44
  kStoreFailed,        // what waits for its user could not be read; Error 0x43
  kTlsFailed,          // the TLS handshake did not come about, or what came was not the peer's
};
inline constexpr size_t kCloseReasonCount = static_cast<size_t>(CloseReason::kTlsFailed) + 1;

// "peer_closed", … as logs and metrics have it.
std::string_view CloseReasonName(CloseReason reason);

}  // namespace solec

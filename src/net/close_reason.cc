#include "net/close_reason.h"

namespace solec {

std::string_view CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerClosed: return "peer_closed";
    case CloseReason::kPeerReset: return "peer_reset";
    case CloseReason::kBadVersion: return "bad_version";
    case CloseReason::kBadHandshake: return "bad_handshake";
    case CloseReason::kMalformed: return "malformed";
    case CloseReason::kNotAllowed: return "not_allowed";
    case CloseReason::kOverLimit: return "over_limit";
    case CloseReason::kLoginTimeout: return "login_timeout";
    case CloseReason::kLoginTries: return "login_tries";
    case CloseReason::kTooManySessions: return "too_many_sessions";
    case CloseReason::kTooManyConnections: return "too_many_connections";
    case CloseReason::kUnknownPeer: return "unknown_peer";
    case CloseReason::kLinkReplaced: return "link_replaced";
    case CloseReason::kLinkSilent: return "link_silent";
    case CloseReason::kLinkChanged: return "link_changed";
    case CloseReason::kTooSlow: return "too_slow";
    case CloseReason::kAccountRemoved: return "account_removed";
    case CloseReason::kShuttingDown: return "shutting_down";
    case CloseReason::kStoreFailed: return "store_failed";
    case CloseReason::kTlsFailed: return "tls_failed";
  }
  return "unknown";
}

}  // namespace solec

#include "link/peer_status.h"

namespace solec {

std::string_view PeerStateName(PeerState state) {
  switch (state) {
    case PeerState::kIdle: return "idle";
    case PeerState::kWaiting: return "waiting";
    case PeerState::kDialing: return "dialing";
    case PeerState::kHandshake: return "handshake";
    case PeerState::kResuming: return "resuming";
    case PeerState::kUp: return "up";
  }
  return "unknown";
}

std::string_view LinkStepName(LinkStep step) {
  switch (step) {
    case LinkStep::kName: return "name";
    case LinkStep::kTcp: return "tcp";
    case LinkStep::kTls: return "tls";
    case LinkStep::kPin: return "pin";
    case LinkStep::kVersion: return "version";
    case LinkStep::kAuth: return "auth";
    case LinkStep::kLink: return "link";
  }
  return "unknown";
}

std::string_view LinkTestResultName(LinkTestResult result) {
  switch (result) {
    case LinkTestResult::kOk: return "ok";
    case LinkTestResult::kFailed: return "failed";
    case LinkTestResult::kSkipped: return "skipped";
  }
  return "unknown";
}

}  // namespace solec

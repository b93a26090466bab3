// What an operator sees of a peer: its link's state, what waits for it, what was counted, and what
// a test of it found. Values, made by the peer's shard, read by administration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace solec {

enum class PeerState : uint8_t {
  kIdle,        // not dialled from here, and it has not dialled us
  kWaiting,     // the last try failed; the next dial comes after a while
  kDialing,     // name, TCP, TLS
  kHandshake,   // of the protocol: Handshake, ServerAuth
  kResuming,    // it is up; both sides agree where their streams go on
  kUp,          // Messages flow
};

// The steps of making a link, in order.
enum class LinkStep : uint8_t { kName, kTcp, kTls, kPin, kVersion, kAuth, kLink };
inline constexpr size_t kLinkTestSteps = 6;  // kLink is no step of making one: it ended later

struct PeerStatus {
  std::string name;     // "b.example"
  std::string address;  // as configured; empty: never dialled from here
  PeerState state = PeerState::kIdle;
  uint32_t shard = 0;
  // Of the link, where there is one (from kHandshake on).
  bool dialled = false;  // by us
  bool tls = false;
  uint32_t features = 0;
  std::string remote;    // "127.0.0.1:34567"
  uint64_t state_ms = 0;  // how long it has been in this state
  uint64_t dial_in_ms = 0;  // kWaiting: until the next dial
  // Why the last link or try ended; an empty text: there was none.
  std::string last_error;
  LinkStep last_error_step = LinkStep::kName;
  uint64_t last_error_ms = 0;  // how long ago
  // What waits for it.
  uint64_t spool_messages = 0;
  uint64_t spool_bytes = 0;
  uint64_t spool_oldest_ms = 0;  // age
  // Since this server started, in Messages unless it says otherwise.
  uint64_t sent = 0;       // for the first time
  uint64_t resent = 0;
  uint64_t accepted = 0;   // by the peer
  uint64_t received = 0;
  uint64_t repeated = 0;   // received again, and skipped
  uint64_t rejected = 0;   // by the peer
  uint64_t bounced = 0;    // told to their senders: rejected or too old
  uint64_t refused_source = 0;   // received and refused: a source that is not the peer's
  uint64_t refused_channel = 0;  // for a channel of a third server
  uint64_t refused_transit = 0;  // for a user of a third server, or of the peer
  uint64_t refused_other = 0;    // unknown here, not a contact, not a member, over a limit
  uint64_t dials = 0;            // tries
  uint64_t dial_failures = 0;    // those that led to no link
  uint64_t links = 0;            // that came up
};

enum class LinkTestResult : uint8_t { kOk, kFailed, kSkipped };

struct LinkTestStep {
  LinkStep step{};
  LinkTestResult result = LinkTestResult::kSkipped;
  std::string text;  // what was found, or what failed and what may help
};

// "up", "waiting", … and "name", "tcp", "tls", "pin", "version", "auth", "link"; "ok", "failed",
// "skipped".
std::string_view PeerStateName(PeerState state);
std::string_view LinkStepName(LinkStep step);
std::string_view LinkTestResultName(LinkTestResult result);

}  // namespace solec

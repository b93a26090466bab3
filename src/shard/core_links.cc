// Links: how a connection becomes one, what may come over it, its end. The life of a link:
// CheckPeer (the peer dialled) or OnDialed (we did) -> OpenLink -> frames -> DetachLink. What its
// Messages mean is in core_link_input.cc, and what is sent in core_link_output.cc.

#include <algorithm>

#include "link/link_rule.h"
#include "proto/describe.h"
#include "shard/shard_core.h"

namespace solec {

// What this server offers to others.
static constexpr uint32_t kLinkFeatures =
    kFeaturePing | kFeatureReceipts | kFeatureRequests | kFeatureResume;

// --- TLS ---

bool ShardCore::IsTls(const Connection& connection) { return connection.tls != nullptr; }

std::string ShardCore::PinOf(const Connection& connection) {
  return connection.tls == nullptr ? std::string() : connection.tls->PeerPin();
}

// How a peer is dialled: plain only where no key is pinned.
bool ShardCore::WantsTls(const PeerEntry& entry) { return !entry.pin.empty(); }

LinkStep ShardCore::StepOf(DialStep step) {
  return step == DialStep::kTls ? LinkStep::kTls : LinkStep::kTcp;
}

// --- accepted ---

// A server named step.username has come. As a login, all of it happens on the peer's shard.
FrameVerdict ShardCore::CheckPeer(Connection* connection, const SequenceStep& step,
                                  ServerSequence before) {
  const std::string name = FoldServer(step.username);
  auto refuse = [&] {
    connections_.End(connection, CloseReason::kUnknownPeer, ErrorCode::kServerAuthFailed);
    return FrameVerdict::kEnded;
  };
  const auto entry = peers_.find(name);
  if (entry == peers_.end()) {
    LogStranger(step.username);
    return refuse();
  }
  if (const uint32_t shard = ShardOf(name); shard != shard_) {
    connection->sequence = before;
    connections_.Move(connection, shard);
    return FrameVerdict::kMoveBefore;
  }
  Peer* peer = peers_here_.Find(name);
  if (peer == nullptr || peer->removed) return refuse();
  if (!peer->loaded) {
    connection->sequence = before;
    return WaitFor(peer, connection);
  }
  std::string fault;
  if (!IsKeyOf(*connection, peer->entry, &fault)) {
    NoteError(peer, LinkStep::kPin, "refused: " + fault);
    return refuse();
  }
  if (!MayReplaceLink(*peer, /*dialled=*/false)) {
    connections_.End(connection, CloseReason::kLinkReplaced, ErrorCode::kUnavailable);
    return FrameVerdict::kEnded;
  }
  connection->sequence.PeerVerdict(true);
  return OpenLink(connection, peer, /*dialled=*/false);
}

// Whether the other side has proved the key that its entry asks for, as far as it asks for one.
bool ShardCore::IsKeyOf(const Connection& connection, const PeerEntry& entry,
                        std::string* fault) const {
  if (!IsTls(connection)) {
    if (!entry.allow_plain) *fault = "a plain link, and its entry does not allow one";
    return entry.allow_plain;
  }
  const std::string pin = PinOf(connection);
  if (entry.pin.empty() || pin == entry.pin) return true;
  *fault = pin.empty() ? "it showed no certificate" : "its key is " + pin;
  return false;
}

bool ShardCore::MayReplaceLink(const Peer& peer, bool dialled) const {
  ExistingLink existing;
  if (peer.link.valid()) {
    existing = {peer.dialled, false, (now_ns_ - peer.link_since_ns) / 1'000'000};
  } else if (peer.dialling.valid() && !dialled) {
    existing = {true, true, 0};
  } else {
    return true;
  }
  return NewLinkReplaces(server_name_, peer.name, existing, dialled);
}

// --- dialled ---

void ShardCore::OnDialed(Connection* connection, uint64_t ticket) {
  const auto found = dials_.find(ticket);
  Peer* peer = found == dials_.end() ? nullptr : peers_here_.Find(found->second);
  if (found != dials_.end()) dials_.erase(found);
  counters_.connections_now.Set(connections_.count());
  // Void: its peer was changed, or has dialled us meanwhile.
  const bool wanted = peer != nullptr && peer->dial_ticket == ticket && !peer->removed;
  if (!wanted || draining_) {
    connections_.End(connection, CloseReason::kLinkReplaced);
    return;
  }
  peer->dial_ticket = 0;
  connection->session = peer->session;
  peer->dialling = connection->socket;
  peer->dial_remote = peer_text ? peer_text(connection->socket) : std::string();
  std::string fault;
  if (!IsKeyOf(*connection, peer->entry, &fault)) {
    peer->dial_step = LinkStep::kPin;
    peer->link_text = fault;
    connections_.End(connection, CloseReason::kUnknownPeer);
    return;
  }
  peer->dial_step = LinkStep::kVersion;
  SetPeerState(peer, PeerState::kHandshake);
  connections_.AppendFrame(connection, Handshake{kVersionMajor, kVersionMinor, kLinkFeatures});
  connections_.AppendFrame(connection, ServerAuth{server_name_});
}

FrameVerdict ShardCore::OnDialFrame(Connection* connection, const Frame& frame) {
  Peer* peer = PeerOf(*sessions_.Get(connection->session));
  const SequenceStep step = connection->dial_sequence.OnFrame(frame, kLinkFeatures);
  auto end = [&](CloseReason reason, ErrorCode code, std::string text) {
    peer->link_text = std::move(text);
    connections_.End(connection, reason, code);
    return FrameVerdict::kEnded;
  };
  switch (step.action) {
    case SequenceAction::kHandshake:
      connection->features = step.features;
      peer->dial_step = LinkStep::kAuth;
      return FrameVerdict::kNext;
    case SequenceAction::kSuccess:
      // The peer may have dialled us while this was on its way.
      if (peer->link.valid() && !MayReplaceLink(*peer, /*dialled=*/true)) {
        return end(CloseReason::kLinkReplaced, ErrorCode::kNone, "");
      }
      return OpenLink(connection, peer, /*dialled=*/true);
    case SequenceAction::kRefused:
      peer->dial_step = LinkStep::kAuth;
      return end(CloseReason::kPeerClosed, ErrorCode::kNone,
                 "it answered: " + std::string(ErrorText(step.code)));
    case SequenceAction::kCloseVersion:
      return end(CloseReason::kBadVersion, ErrorCode::kNone,
                 "it speaks another version of the protocol");
    case SequenceAction::kError:
      return end(step.code == ErrorCode::kMalformed ? CloseReason::kMalformed
                                                    : CloseReason::kNotAllowed,
                 step.code, "it sent what does not belong into the sequence");
    case SequenceAction::kClose:
      return end(CloseReason::kBadHandshake, ErrorCode::kNone,
                 "what it sent is no handshake of a SOLEC server");
    default:
      return FrameVerdict::kNext;
  }
}

// --- a link ---

FrameVerdict ShardCore::OpenLink(Connection* connection, Peer* peer, bool dialled) {
  EndLink(peer, CloseReason::kLinkReplaced, ErrorCode::kNone, "another link took its place");
  if (peer->dialling == connection->socket) peer->dialling = {};
  // Our own dial, if there is one, is of no use any more.
  if (Connection* other = connections_.Get(peer->dialling)) {
    other->session = {};
    connections_.End(other, CloseReason::kLinkReplaced);
  }
  peer->dialling = {};
  peer->dial_ticket = 0;
  peer->dial_at_ns = 0;
  Session* session = sessions_.Get(peer->session);
  session->socket = connection->socket;
  connection->session = peer->session;
  connection->state = ConnectionState::kOpen;
  connection->since_ms = 0;
  connections_.timers().Cancel(connection->socket.index);
  if (!dialled) connections_.AppendFrame(connection, Success{});
  peer->link = connection->socket;
  peer->link_since_ns = peer->heard_ns = now_ns_;
  peer->link_text.clear();
  peer->pinged_ns = 0;
  peer->dialled = dialled;
  peer->tls = IsTls(*connection);
  peer->features = connection->features & kLinkFeatures;
  peer->remote = peer_text ? peer_text(connection->socket) : std::string();
  peer->requests_of_peer = 0;
  ++peer->serial;
  ++peer->counts.links;
  LogPeer(peer, std::string("up, ") + (dialled ? "dialled, " : "accepted, ") +
                    (peer->tls ? "TLS, " : "plain, ") + peer->remote);
  counters_.links_now.Add();
  PeerOutput& out = peer->out;
  out.sent = out.acked;
  out.sent_here = 0;
  peer->in.taken_first = 0;
  peer->in.announced = 0;
  if ((peer->features & kFeatureResume) != 0) {
    SetPeerState(peer, PeerState::kResuming);
    out.wire_base = out.base;
    if (out.stream == 0) NameStream(peer, out.trimmed);
    else SendResume(peer);
  } else {
    SetPeerState(peer, PeerState::kUp);
    out.wire_base = out.acked;
    out.open = true;
  }
  // What was taken from the link before must be settled before anything is taken from this one.
  if (peer->in.numbers.quiet()) BeginInput(peer);
  else connections_.Hold(connection, kHoldRequest);
  PumpSpool(peer);
  ArmPeer(peer);
  FinishTests(peer, LinkStep::kLink, LinkTestResult::kOk, "");
  return connection->holds == 0 ? FrameVerdict::kNext : FrameVerdict::kHoldAfter;
}

// From here on the connection is none of the peer's any more, whatever still comes or goes on it.
void ShardCore::DetachLink(Peer* peer) {
  Connection* connection = connections_.Get(peer->link);
  if (connection != nullptr) {
    LookAtMarks(peer, *connection);
    connection->session = {};
  }
  peer->link = {};
  sessions_.Get(peer->session)->socket = {};
  ++peer->serial;
  peer->out.open = peer->in.open = false;
  peer->out.marks.clear();
  counters_.links_now.Sub();
  FailPeerRequests(peer);
  TrimSpool(peer);
  peer->age_at_ns = now_ns_;
}

void ShardCore::EndLink(Peer* peer, CloseReason reason, ErrorCode code, std::string text) {
  Connection* connection = connections_.Get(peer->link);
  if (connection == nullptr) return;
  NoteError(peer, LinkStep::kLink, std::move(text));
  connections_.End(connection, reason, code);
  DetachLink(peer);
  DialAgain(peer);
}

// The connection ends that is the peer's link, or our dial to it that has reached its handshake.
void ShardCore::OnLinkEnding(Connection* connection, Peer* peer) {
  connection->session = {};
  const std::string reason(CloseReasonName(connection->close_reason));
  if (connection->socket == peer->dialling) {
    peer->dialling = {};
    std::string text = std::exchange(peer->link_text, {});
    if (text.empty()) {
      text = connection->close_reason == CloseReason::kLoginTimeout ? "it did not answer in time"
             : peer->dial_step == LinkStep::kVersion
                 ? "it closed the connection without an answer, as one that speaks another version "
                   "of the protocol does"
                 : "the connection ended: " + reason;
    }
    if (peer->removed) return DestroyIfIdle(peer);
    return FailDial(peer, peer->dial_step, std::move(text));
  }
  if (connection->socket != peer->link) return;
  if (peer->link_text.empty()) peer->link_text = "the connection ended: " + reason;
  NoteError(peer, LinkStep::kLink, std::exchange(peer->link_text, {}));
  DetachLink(peer);
  DialAgain(peer);
}

// --- frames ---

FrameVerdict ShardCore::OnLinkFrame(Connection* connection, Peer* peer, const Frame& frame,
                                    size_t behind) {
  peer->heard_ns = now_ns_;
  peer->pinged_ns = 0;
  if (frame.type == PayloadType::kMessage) return OnLinkMessage(connection, peer, frame, behind);
  auto decoded = [&](auto* payload) {
    return Decode(frame.payload, payload) == DecodeError::kNone;
  };
  const bool agreed = FeaturesThatAllow(frame.type) == 0 ||
                      (FeaturesThatAllow(frame.type) & peer->features) != 0;
  switch (agreed ? frame.type : PayloadType::kReserved) {
    case PayloadType::kTest:
      return FrameVerdict::kNext;
    case PayloadType::kError: {
      Error error;
      return decoded(&error) ? OnLinkError(peer, error.code) : Malformed(connection);
    }
    case PayloadType::kPing: {
      Ping ping;
      if (!decoded(&ping)) return Malformed(connection);
      connections_.AppendFrame(connection, Pong{ping.token});
      CheckOutput(connection);
      return FrameVerdict::kNext;
    }
    case PayloadType::kPong: {
      Pong pong;
      return decoded(&pong) ? FrameVerdict::kNext : Malformed(connection);
    }
    case PayloadType::kAccepted: {
      Accepted accepted;
      if (!decoded(&accepted)) return Malformed(connection);
      return OnLinkAccepted(connection, peer, accepted.up_to);
    }
    case PayloadType::kRejected: {
      Rejected rejected;
      if (!decoded(&rejected)) return Malformed(connection);
      return OnLinkRejected(connection, peer, rejected);
    }
    case PayloadType::kLinkResume: {
      LinkResume resume;
      if (!decoded(&resume)) return Malformed(connection);
      return OnLinkResume(connection, peer, resume);
    }
    case PayloadType::kJoin: {
      Join join;
      if (!decoded(&join)) return Malformed(connection);
      return OnLinkMembership(connection, peer, join.tag, join.user, join.channel, true);
    }
    case PayloadType::kLeave: {
      Leave leave;
      if (!decoded(&leave)) return Malformed(connection);
      return OnLinkMembership(connection, peer, leave.tag, leave.user, leave.channel, false);
    }
    case PayloadType::kResult: {
      Result result;
      return decoded(&result) ? OnLinkResult(peer, result) : Malformed(connection);
    }
    default:
      return NotAllowed(connection, peer, "it sent what may not be sent over a link now");
  }
}

FrameVerdict ShardCore::NotAllowed(Connection* connection, Peer* peer, std::string text) {
  peer->link_text = std::move(text);
  connections_.End(connection, CloseReason::kNotAllowed, ErrorCode::kNotAllowed);
  return FrameVerdict::kEnded;
}

// Why it will close, or (0x02 and the like, where no receipts are agreed) that it has dropped a
// Message: which one it does not say.
FrameVerdict ShardCore::OnLinkError(Peer* peer, ErrorCode code) {
  if (code == ErrorCode::kNotFound || code == ErrorCode::kOverLimit) {
    ++peer->counts.rejected;
    return FrameVerdict::kNext;
  }
  peer->link_text = "it ended the link: " + std::string(ErrorText(code));
  return FrameVerdict::kNext;
}

}  // namespace solec

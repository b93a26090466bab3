// Messages for a peer: they come out of its spool, where the store numbered them at their commit,
// and stay there until the peer has accepted them. So nothing is sent that a crash could undo.

#include <algorithm>
#include <cstring>
#include <ctime>

#include "shard/shard_core.h"

namespace solec {

static constexpr size_t kPageBytes = 64 * 1024;
// Output of a link beyond which its spool is left alone.
static constexpr uint64_t kLinkWindowBytes = 512 * 1024;
static constexpr uint64_t kTrimDelayNs = 100'000'000;
static constexpr uint64_t kTrimAtOnce = 1'024;
static constexpr uint64_t kAgeLookNs = 10'000'000'000;
static constexpr uint64_t kReadAgainNs = 1'000'000'000;
// Messages that a peer may have refused without saying that all before them are accepted.
static constexpr size_t kRejectedMax = 65'536;

// --- out of the spool ---

void ShardCore::OnSpoolGrowth(const SpoolGrowth& growth) {
  Peer* peer = peers_here_.Find(growth.peer);
  if (peer == nullptr || !peer->loaded) return;
  PeerOutput& out = peer->out;
  const bool was_empty = out.last == out.acked;
  out.last = std::max(out.last, growth.last);
  Connection* connection = connections_.Get(peer->link);
  const bool at_hand = growth.count != 0 && growth.first == out.sent + 1 && out.open &&
                       !out.reading && !out.naming && connection != nullptr &&
                       connection->live() &&
                       connection->output.byte_count() + growth.frames.size() <= LinkWindow();
  if (at_hand) AppendToLink(peer, connection, growth.frames, growth.count);
  PumpSpool(peer);
  if (was_empty) {
    peer->oldest_number = out.acked + 1;
    peer->oldest_ns = now_ns_;
    if (peer->age_at_ns == 0 && !peer->age_reading) {
      peer->age_at_ns = now_ns_ + std::min(limits_.spool_age_max_ms * 1'000'000, kAgeLookNs);
      ArmPeer(peer);
    }
  }
}

uint64_t ShardCore::LinkWindow() const { return std::min(output_low_, kLinkWindowBytes); }

// Asks for the next page, if there is one and the link has room for it.
void ShardCore::PumpSpool(Peer* peer) {
  PeerOutput& out = peer->out;
  if (!out.open || out.reading || out.naming || out.sent >= out.last) return;
  Connection* connection = connections_.Get(peer->link);
  if (connection == nullptr || !connection->live()) return;
  if (connection->output.byte_count() >= LinkWindow()) {
    connection->drained_wanted = true;
    return;
  }
  out.reading = true;
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  store_->ReadSpool(peer->name, out.sent, kPageBytes,
                    [this, handle, serial = peer->serial](StoreCompletion& completion) {
    Peer* reader = peers_here_.Get(handle);
    if (reader == nullptr) return;
    reader->out.reading = false;
    if (reader->serial == serial && reader->out.open) OnSpoolPage(reader, completion);
    else PumpSpool(reader);
  });
}

void ShardCore::OnSpoolPage(Peer* peer, StoreCompletion& completion) {
  PeerOutput& out = peer->out;
  const auto* page = std::get_if<SpoolPage>(&completion.value);
  if (completion.status != StoreStatus::kDone || page == nullptr) {
    return EndLink(peer, CloseReason::kStoreFailed, ErrorCode::kUnavailable,
                   "what waits for it could not be read");
  }
  const uint64_t first = page->count != 0 ? page->first : out.last + 1;
  if (first != out.sent + 1) {
    // Messages between have expired. Their numbers are not to be skipped in silence: another
    // stream begins, here if nothing was sent yet, else on the next link.
    if (out.sent_here != 0) {
      return EndLink(peer, CloseReason::kLinkReplaced, ErrorCode::kNone,
                     "messages that waited have expired: a new stream begins");
    }
    out.acked = out.sent = first - 1;
    TrimSpool(peer);
    if ((peer->features & kFeatureResume) != 0) return NameStream(peer, first - 1);
    out.wire_base = first - 1;
    if (page->count == 0) return;
  }
  AppendToLink(peer, connections_.Get(peer->link), AsBytes(page->frames), page->count);
  PumpSpool(peer);
}

void ShardCore::AppendToLink(Peer* peer, Connection* connection, Bytes frames, uint32_t count) {
  std::memcpy(connections_.Append(connection, frames.size()), frames.data(), frames.size());
  connection->message_count += count;
  PeerOutput& out = peer->out;
  out.sent += count;
  out.sent_here += count;
  const uint64_t again = out.sent_ever - std::min(out.sent_ever, out.sent - count);
  const uint64_t resent = std::min<uint64_t>(again, count);
  peer->counts.resent += resent;
  peer->counts.sent += count - resent;
  counters_.link_messages_sent.Add(count);
  out.sent_ever = std::max(out.sent_ever, out.sent);
  if ((peer->features & kFeatureReceipts) != 0) return;
  const bool first = out.marks.empty();
  out.marks.push_back({connection->output.sent_count() + connection->output.byte_count(),
                       out.sent});
  if (first) ArmPeer(peer);
}

// --- the stream ---

// Another stream begins, whose first message is what follows `base` in the spool.
void ShardCore::NameStream(Peer* peer, uint64_t base) {
  PeerOutput& out = peer->out;
  out.open = false;
  out.naming = true;
  out.acked = out.sent = base;
  const uint64_t stream = std::max<uint64_t>(Random(), 1);
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  store_->SetOutStream(peer->name, stream, base,
                       [this, handle, stream, base](StoreCompletion& completion) {
    Peer* named = peers_here_.Get(handle);
    if (named == nullptr) return;
    named->out.naming = false;
    if (completion.status != StoreStatus::kDone) {
      return EndLink(named, CloseReason::kStoreFailed, ErrorCode::kUnavailable,
                     "the store failed");
    }
    named->out.stream = stream;
    named->out.base = named->out.wire_base = base;
    if (named->link.valid() && (named->features & kFeatureResume) != 0) SendResume(named);
  });
}

// Says where our stream goes on; the Accepted that answers it says where really.
void ShardCore::SendResume(Peer* peer) {
  PeerOutput& out = peer->out;
  if (out.naming) return;
  out.resuming = true;
  out.wire_base = out.base;
  connections_.AppendFrame(connections_.Get(peer->link),
                           LinkResume{out.stream, out.acked + 1 - out.base});
}

// --- what the peer says of them ---

FrameVerdict ShardCore::OnLinkAccepted(Connection* connection, Peer* peer, uint64_t up_to) {
  PeerOutput& out = peer->out;
  if (out.open) {
    if (up_to > out.sent - out.wire_base) {
      return NotAllowed(connection, peer, "it accepted what it was never sent");
    }
    AdvanceAcked(peer, out.wire_base + up_to);
    return FrameVerdict::kNext;
  }
  if (!out.resuming) return NotAllowed(connection, peer, "Accepted before LinkResume");
  out.resuming = false;
  // More than there ever was: this store is older than what the peer has seen. Less than there
  // still is: it has lost what it accepted. Neither has a place where this stream can go on.
  const bool unknown = up_to > out.last - out.base || out.base + up_to < out.trimmed;
  if (unknown) {
    NameStream(peer, out.trimmed);
    return FrameVerdict::kNext;
  }
  out.open = true;
  SetPeerState(peer, PeerState::kUp);
  AdvanceAcked(peer, out.base + up_to);
  out.acked = out.sent = out.base + up_to;  // less than before, perhaps, but still in the spool
  PumpSpool(peer);
  return FrameVerdict::kNext;
}

void ShardCore::AdvanceAcked(Peer* peer, uint64_t to) {
  PeerOutput& out = peer->out;
  if (to <= out.acked) return;
  peer->counts.accepted += to - out.acked;
  out.acked = to;
  BounceRejected(peer);
  if (out.acked - out.trimmed >= kTrimAtOnce) return TrimSpool(peer);
  if (peer->trim_at_ns != 0) return;
  peer->trim_at_ns = now_ns_ + kTrimDelayNs;
  ArmPeer(peer);
}

FrameVerdict ShardCore::OnLinkRejected(Connection* connection, Peer* peer,
                                       const Rejected& rejected) {
  PeerOutput& out = peer->out;
  const bool known = out.open && rejected.number != 0 &&
                     rejected.number <= out.sent - out.wire_base &&
                     rejected.number > out.acked - out.wire_base;
  if (!known || out.rejected.size() >= kRejectedMax) {
    return NotAllowed(connection, peer, "it rejected what is not under way");
  }
  out.rejected.emplace(out.wire_base + rejected.number, rejected.code);
  return FrameVerdict::kNext;
}

// Without receipts: what the peer's TCP has acknowledged is taken as delivered.
void ShardCore::LookAtMarks(Peer* peer, const Connection& connection) {
  PeerOutput& out = peer->out;
  if (out.marks.empty()) return;
  const uint64_t sent = connection.output.sent_count();
  const uint64_t unacked = unacked_bytes ? unacked_bytes(connection.socket) : 0;
  const uint64_t arrived = sent - std::min(sent, unacked);
  uint64_t number = 0;
  while (!out.marks.empty() && out.marks.front().place <= arrived) {
    number = out.marks.front().number;
    out.marks.pop_front();
  }
  AdvanceAcked(peer, number);
}

// --- what the spool need not keep any longer ---

void ShardCore::TrimSpool(Peer* peer) {
  PeerOutput& out = peer->out;
  peer->trim_at_ns = 0;
  // One that was rejected is read once more, for its sender.
  const uint64_t up_to =
      out.rejected.empty() ? out.acked : std::min(out.acked, out.rejected.begin()->first - 1);
  if (up_to <= out.trimmed) return;
  out.trimmed = up_to;
  store_->TrimSpool(peer->name, up_to, [](StoreCompletion&) {});
}

// Tells the senders of what the peer refused, once it has accepted all before that.
void ShardCore::BounceRejected(Peer* peer) {
  PeerOutput& out = peer->out;
  if (out.bouncing || out.rejected.empty() || out.rejected.begin()->first > out.acked) return;
  out.bouncing = true;
  const uint64_t number = out.rejected.begin()->first;
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  store_->ReadSpool(peer->name, number - 1, 1, [this, handle, number](StoreCompletion& completion) {
    Peer* bouncer = peers_here_.Get(handle);
    if (bouncer == nullptr) return;
    PeerOutput& output = bouncer->out;
    output.bouncing = false;
    const auto found = output.rejected.find(number);
    if (found == output.rejected.end()) return;
    const auto* page = std::get_if<SpoolPage>(&completion.value);
    if (page != nullptr && page->count != 0 && page->first == number) {
      Bytes frames = AsBytes(page->frames);
      Frame frame;
      TakeFrame(&frames, &frame);
      BounceFrames(bouncer, frame.bytes, found->second);
    }
    ++bouncer->counts.rejected;
    output.rejected.erase(found);
    BounceRejected(bouncer);
    if (bouncer->trim_at_ns == 0) {
      bouncer->trim_at_ns = now_ns_ + kTrimDelayNs;
      ArmPeer(bouncer);
    }
  });
}

// While there is no link, the oldest are looked at: those that waited too long bounce.
void ShardCore::LookAtAge(Peer* peer) {
  PeerOutput& out = peer->out;
  if (!peer->loaded || out.acked >= out.last) return;
  if (peer->state == PeerState::kUp) {
    peer->age_at_ns = now_ns_ + kAgeLookNs;
    return;
  }
  peer->age_reading = true;
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  store_->ReadSpool(peer->name, out.acked, 1, [this, handle](StoreCompletion& completion) {
    Peer* looked = peers_here_.Get(handle);
    if (looked == nullptr) return;
    looked->age_reading = false;
    if (looked->loaded) OnAgePage(looked, completion);
    if (peers_here_.Get(handle) != nullptr) ArmPeer(looked);
  });
}

void ShardCore::OnAgePage(Peer* peer, StoreCompletion& completion) {
  PeerOutput& out = peer->out;
  const auto* page = std::get_if<SpoolPage>(&completion.value);
  if (completion.status != StoreStatus::kDone || page == nullptr) {
    peer->age_at_ns = now_ns_ + kReadAgainNs;
    return;
  }
  if (peer->link.valid()) {  // it has come up meanwhile
    peer->age_at_ns = now_ns_ + kAgeLookNs;
    return;
  }
  const uint64_t first = page->count != 0 ? page->first : out.last + 1;
  const uint64_t age_max_ms = limits_.spool_age_max_ms;
  if (page->count != 0 && page->age_ms < age_max_ms) {
    peer->oldest_number = first;
    peer->oldest_ns = now_ns_ - std::min(now_ns_, page->age_ms * 1'000'000);
    const uint64_t left_ns = (age_max_ms - page->age_ms) * 1'000'000;
    peer->age_at_ns = now_ns_ + std::min(left_ns, kAgeLookNs);
    return;
  }
  // They are given up, and so is what had left the channels' histories before them.
  if (page->count != 0) BounceFrames(peer, AsBytes(page->frames), ErrorCode::kUnavailable);
  out.acked = out.sent = std::max(out.acked, first + page->count - 1);
  TrimSpool(peer);
  LookAtAge(peer);
}

// --- bounces ---

// To the users of this server among their senders. A channel's copies are in its history: nobody is
// told of those.
void ShardCore::BounceFrames(Peer* peer, Bytes frames, ErrorCode code) {
  for (Frame frame; TakeFrame(&frames, &frame);) {
    MessageView message;
    if (!ParseMessage(frame.payload, &message)) continue;
    const std::string_view sender = OwnName(message.source);
    const bool copy = message.target.starts_with('#') && !OwnName(message.target).empty();
    if (sender.empty() || copy) continue;
    ++peer->counts.bounced;
    MailHeader header;
    header.type = MailType::kBounce;
    header.code = static_cast<uint8_t>(code);
    header.number = LoadBig<uint64_t>(message.tail.data());
    std::string text(sender);
    text.append(1, '\0').append(message.target);
    PostOrTake(ShardOf(sender), MailClass::kAnswer, header, text);
  }
}

// On the sender's shard. Every session is told, in the way it has agreed on; without any the
// service address leaves a message.
void ShardCore::OnBounce(std::string_view user_name, std::string_view target, uint64_t timestamp,
                         ErrorCode code) {
  User* user = users_.Find(user_name);
  if (user == nullptr || user->state != UserState::kPresent) return;
  for (const Handle<Session> handle : user->sessions) {
    const Session* session = sessions_.Get(handle);
    Connection* to = connections_.Get(session->socket);
    if (session->receipts == nullptr) SendError(to, ErrorCode::kNotFound);
    else connections_.AppendFrame(to, Bounce{target, {timestamp}, code});
    CheckOutput(to);
  }
  if (!user->sessions.empty()) return;
  const std::string from = FullAddress(kServiceName), to = FullAddress(user_name);
  const std::string content = "a message to " + std::string(target) +
                              " could not be delivered: " + std::string(ErrorText(code));
  std::string frame;
  AppendFrame(Message{from, to, {static_cast<uint64_t>(std::time(nullptr))}, content}, &frame);
  KeepDirect(user, users_.HandleOf(user_name), {AsBytes(frame)}, {}, true);
}

}  // namespace solec

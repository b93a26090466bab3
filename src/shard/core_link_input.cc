// Messages that come over a link: numbered, checked against section 8, passed to the shard of their
// target as a user's would be, and settled. What is accepted is held: the store has recorded the
// number in the same commit as the message.

#include <algorithm>
#include <cstring>

#include "net/shared_bytes.h"
#include "shard/shard_core.h"

namespace solec {

// As of a channel here: a batch has to fit into a mailbox.
static constexpr size_t kCopiesBytes = 16 * 1024;

// --- where the stream goes on ---

// Everything that was taken from the link before is settled.
void ShardCore::BeginInput(Peer* peer) {
  if ((peer->features & kFeatureResume) != 0) return;  // its LinkResume says where
  peer->in.by_session = true;
  peer->in.numbers.Begin(0);
  peer->in.open = true;
}

FrameVerdict ShardCore::OnLinkResume(Connection* connection, Peer* peer,
                                     const LinkResume& resume) {
  PeerInput& in = peer->in;
  // It may begin another stream instead, but not once Messages have come.
  if (in.taken_first != 0) return NotAllowed(connection, peer, "LinkResume among Messages");
  in.open = false;
  if (!in.by_session && in.stream == resume.stream) {
    AnswerResume(peer);
    return FrameVerdict::kNext;
  }
  connections_.Hold(connection, kHoldRequest);
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  auto go_on = [this, handle, serial = peer->serial, stream = resume.stream](
                   StoreCompletion& completion, bool loaded) {
    Peer* resumed = peers_here_.Get(handle);
    if (resumed == nullptr || resumed->serial != serial) return;
    if (completion.status != StoreStatus::kDone) {
      return EndLink(resumed, CloseReason::kStoreFailed, ErrorCode::kUnavailable,
                     "the store failed");
    }
    PeerInput& input = resumed->in;
    const auto* record = loaded ? std::get_if<PeerRecord>(&completion.value) : nullptr;
    input.stream = record == nullptr ? stream : record->in_stream;
    input.by_session = false;
    input.numbers.Begin(record == nullptr ? 0 : record->in_held);
    if (record != nullptr) {
      for (const NumberRange& range : record->in_early) {
        input.numbers.AddHeld(range.first, range.last);
      }
    }
    Connection* link = connections_.Get(resumed->link);
    connections_.Unhold(link, kHoldRequest);
    if (input.stream == stream) return AnswerResume(resumed);
    OnLinkResume(link, resumed, {stream, 0});
  };
  if (in.by_session) {
    // The last link counted by itself: what the store has of the stream is not known here.
    store_->LoadPeer(peer->name, [go_on](StoreCompletion& completion) mutable {
      go_on(completion, true);
    });
  } else {
    store_->SetInStream(peer->name, resume.stream, [go_on](StoreCompletion& completion) mutable {
      go_on(completion, false);
    });
  }
  return FrameVerdict::kHoldAfter;
}

void ShardCore::AnswerResume(Peer* peer) {
  peer->in.numbers.Restart();
  peer->in.announced = peer->in.numbers.held();
  peer->in.open = true;
  if (Connection* connection = connections_.Get(peer->link)) {
    connections_.AppendFrame(connection, Accepted{peer->in.announced});
  }
}

// --- Messages ---

FrameVerdict ShardCore::OnLinkMessage(Connection* connection, Peer* peer, const Frame& frame,
                                      size_t behind) {
  PeerInput& in = peer->in;
  if (!in.open) return NotAllowed(connection, peer, "a Message before its LinkResume");
  if (in.numbers.full()) [[unlikely]] {
    connections_.Hold(connection, kHoldReceipts);
    return FrameVerdict::kHoldBefore;
  }
  MessageView message;
  if (!ParseMessage(frame.payload, &message)) return Malformed(connection);
  if (!IsValidUtf8(message.content)) return Malformed(connection);
  const uint64_t number = in.numbers.next();
  if (in.taken_first == 0) in.taken_first = number;
  if (in.numbers.NextIsHeld()) {
    in.numbers.Take();
    ++peer->counts.repeated;
    return FrameVerdict::kNext;
  }
  const LinkMessage parsed =
      ClassifyLinkMessage(message.source, message.target, server_name_, peer->name);
  if (parsed.kind == LinkMessageKind::kInvalid &&
      !(IsValidUtf8(message.source) && IsValidUtf8(message.target))) {
    return Malformed(connection);
  }
  if (message.content.size() > limits_.message_bytes_max) {
    ++peer->counts.refused_other;
    return RefuseLinkMessage(peer, number, ErrorCode::kOverLimit);
  }
  const Origin origin{shard_, peer->session, number,
                      in.by_session ? OriginKind::kLink : OriginKind::kStream};
  switch (parsed.kind) {
    case LinkMessageKind::kToUser:
      if (parsed.target.name == kServiceName) break;
      return PassOn(connection, peer, parsed, frame.bytes, behind, origin);
    case LinkMessageKind::kToChannel:
      return PassOn(connection, peer, parsed, frame.bytes, behind, origin);
    case LinkMessageKind::kCopy:
      in.numbers.Take();
      CountFromLink(peer);
      TakeCopy(peer, FormatAddress(parsed.target.name, peer->name), frame.bytes);
      AddReceivedMark(peer, number, 1);
      return FrameVerdict::kNext;
    case LinkMessageKind::kForgedSource:
      ++peer->counts.refused_source;
      counters_.link_sources_refused.Add();
      return RefuseLinkMessage(peer, number, ErrorCode::kNotFound);
    case LinkMessageKind::kForeignChannel:
      ++peer->counts.refused_channel;
      counters_.link_channels_refused.Add();
      return RefuseLinkMessage(peer, number, ErrorCode::kNotFound);
    case LinkMessageKind::kTransit:
      ++peer->counts.refused_transit;
      counters_.link_transit_refused.Add();
      return RefuseLinkMessage(peer, number, ErrorCode::kNotFound);
    case LinkMessageKind::kInvalid:
      break;
  }
  ++peer->counts.refused_other;
  return RefuseLinkMessage(peer, number, ErrorCode::kNotFound);
}

void ShardCore::CountFromLink(Peer* peer) {
  ++peer->counts.received;
  counters_.link_messages_received.Add();
}

FrameVerdict ShardCore::RefuseLinkMessage(Peer* peer, uint64_t number, ErrorCode code) {
  peer->in.numbers.Take();
  SettleLink(peer, number, 1, code);
  return FrameVerdict::kNext;
}

// To the shard of the target, which looks whether it may.
FrameVerdict ShardCore::PassOn(Connection* connection, Peer* peer, const LinkMessage& message,
                               Bytes frame, size_t behind, const Origin& origin) {
  const std::string sender = FormatAddress(message.source.name, peer->name);
  const bool to_user = message.kind == LinkMessageKind::kToUser;
  // Recipients, and the keys of histories, have servers in lower case.
  std::string folded;
  if (message.source.server != peer->name || message.target.server != server_name_) {
    MessageView view;
    ParseMessage(frame.subspan(kFrameHeaderSize), &view);
    const std::string target = FullAddress(message.target.name);
    AppendFrame(Message{sender, target, {LoadBig<uint64_t>(view.tail.data())}, view.content},
                &folded);
    frame = AsBytes(folded);
  }
  const std::string_view name = message.target.name;
  const uint32_t shard = ShardOf(name);
  if (shard != shard_) {
    MailHeader header;
    header.type = to_user ? MailType::kDirect : MailType::kToChannel;
    header.flags = static_cast<uint8_t>(origin.kind);
    header.shard = static_cast<uint16_t>(shard_);
    header.session = origin.session;
    header.number = origin.number;
    header.count = 1;
    const std::string text = std::string(name) + '\0' + sender;
    if (!mailboxes_.Extend(shard, MailClass::kRequest, header, text, frame, {})) {
      if (!mailboxes_.Offer(shard, MailClass::kRequest, header, text, frame)) {
        counters_.mail_full.Add();
        connections_.Hold(connection, kHoldMailbox);
        waiting_for_room_.push_back({connection->socket, shard});
        return FrameVerdict::kHoldBefore;
      }
      counters_.mail_sent.Add();
    }
    peer->in.numbers.Take();
    CountFromLink(peer);
    return FrameVerdict::kNext;
  }
  if (!store_->HasRoom()) [[unlikely]] {
    connections_.Hold(connection, kHoldStore);
    waiting_for_store_.push_back(connection->socket);
    return FrameVerdict::kHoldBefore;
  }
  if (to_user) {
    User* user = FindOrLoad(name);
    if (user->state == UserState::kLoading) return WaitFor(user, connection);
    peer->in.numbers.Take();
    CountFromLink(peer);
    DeliverFromLink(user, sender, {frame}, behind, origin);
  } else {
    Channel* channel = FindOrLoadChannel(name);
    if (channel->state == ChannelState::kLoading) return WaitFor(channel, connection);
    peer->in.numbers.Take();
    CountFromLink(peer);
    const bool failed = channel->state == ChannelState::kFailed;
    if (channel->members.contains(sender)) {
      SendToChannel(channel, channels_.HandleOf(name), {frame}, origin);
    } else {
      Settle(origin, failed ? ErrorCode::kUnavailable : ErrorCode::kNotFound);
    }
  }
  return connection->holds == 0 ? FrameVerdict::kNext : FrameVerdict::kHoldAfter;
}

// On the user's shard, which need not be the peer's.
void ShardCore::DeliverFromLink(User* user, std::string_view sender, const FrameParts& frame,
                                size_t behind, const Origin& origin) {
  if (user->state == UserState::kFailed) {
    return Settle(origin, ErrorCode::kUnavailable, frame.count);
  }
  const bool may = user->state == UserState::kPresent &&
                   (policy_.contacts_open || user->HasContact(sender));
  if (!may) return Settle(origin, ErrorCode::kNotFound, frame.count);
  // It has the user in its contacts, or its server would not have let it write.
  OnContactAgreed(user->name, sender, true);
  DeliverToUser(user, users_.HandleOf(user->name), frame, behind, origin);
}

// --- what became of them ---

void ShardCore::SettleLink(Peer* peer, uint64_t number, uint64_t count, ErrorCode code) {
  PeerInput& in = peer->in;
  Connection* connection = connections_.Get(peer->link);
  const bool unkept = code == ErrorCode::kUnavailable;
  // A refusal that the peer cannot be told any more is as if it had never come: it comes again.
  const bool untold = code != ErrorCode::kNone && !in.open;
  if (code != ErrorCode::kNone && !unkept && !untold) {
    counters_.messages_refused.Add(count);
    for (uint64_t i = 0; i < count; ++i) {
      counters_.errors_sent[static_cast<size_t>(code)].Add();
      if ((peer->features & kFeatureReceipts) != 0) {
        connections_.AppendFrame(connection, Rejected{number + i, code});
      } else {
        connections_.AppendFrame(connection, Error{code});
      }
    }
    CheckOutput(connection);
    return AddReceivedMark(peer, number, count);
  }
  in.numbers.Settle(number, count, code == ErrorCode::kNone);
  if (unkept && in.open) {
    EndLink(peer, CloseReason::kStoreFailed, ErrorCode::kUnavailable,
            "what it sent could not be kept");
  }
  connection = connections_.Get(peer->link);
  if (connection != nullptr) {
    connections_.Unhold(connection, kHoldReceipts);
    const bool waited = in.numbers.quiet() && !in.open && (connection->holds & kHoldRequest) != 0;
    if (waited) {
      // Nothing was parsed since the link came up, so this is what holds it.
      BeginInput(peer);
      connections_.Unhold(connection, kHoldRequest);
    }
  }
  MarkDirty(peer);
}

// They are held from here on, without anything that would be kept: the store notes the numbers.
void ShardCore::AddReceivedMark(Peer* peer, uint64_t number, uint64_t count) {
  PeerInput& in = peer->in;
  if (in.by_session) return SettleLink(peer, number, count, ErrorCode::kNone);
  if (in.marks_count != 0 && in.marks_first + in.marks_count != number) FlushReceivedMarks(peer);
  if (in.marks_count == 0) in.marks_first = number;
  in.marks_count += count;
  MarkDirty(peer);
}

void ShardCore::FlushReceivedMarks(Peer* peer) {
  PeerInput& in = peer->in;
  if (in.marks_count == 0) return;
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kReceived;
  ticket.shard = shard_;
  ticket.session = peer->session.Pack();
  ticket.number = in.marks_first;
  ticket.count = static_cast<uint32_t>(std::exchange(in.marks_count, 0));
  store_->MarkReceived({peer->name, ticket.number, ticket.count}, ticket);
}

// --- copies of its channels ---

void ShardCore::TakeCopy(Peer* peer, std::string channel, Bytes frame) {
  PeerInput& in = peer->in;
  const bool other = in.copies != nullptr && (in.copies_channel != channel ||
                                              in.copies->size() + frame.size() > kCopiesBytes);
  if (other) FlushCopies(peer);
  if (in.copies == nullptr) {
    in.copies = SharedBytes::Create(&buffers_, std::max(frame.size(), kCopiesBytes));
    in.copies_channel = std::move(channel);
    MarkDirty(peer);
  }
  std::memcpy(in.copies->data() + in.copies->size(), frame.data(), frame.size());
  in.copies->Grow(static_cast<uint32_t>(frame.size()));
  ++in.copies_count;
}

void ShardCore::FlushCopies(Peer* peer) {
  PeerInput& in = peer->in;
  SharedBytes* copies = std::exchange(in.copies, nullptr);
  if (copies == nullptr) return;
  MailHeader header;
  header.type = MailType::kCopies;
  header.count = std::exchange(in.copies_count, 0);
  FanOutCopies(in.copies_channel, copies, header.count);
  for (uint32_t shard = 0; shard < shard_count_; ++shard) {
    if (shard == shard_) continue;
    mailboxes_.Post(shard, MailClass::kAnswer, header, in.copies_channel,
                    Bytes(copies->data(), copies->size()));
    counters_.mail_sent.Add();
  }
  copies->Unref();
}

// To all sessions here that have joined. Which session sent a message is not known any more: one
// that wrote to such a channel knows its own ones again.
void ShardCore::FanOutCopies(std::string_view channel, SharedBytes* bytes, uint32_t count) {
  Fanout* fanout = fanouts_.Find(channel);
  if (fanout == nullptr) return;
  const Bytes frames(bytes->data(), bytes->size());
  for (const FanoutMember& member : fanout->members) {
    Connection* to = connections_.Get(member.socket);
    Session* session = sessions_.Get(member.session);
    uint32_t begin = 0, end = 0, own = 0;
    Bytes rest = frames;
    for (Frame frame; session->echoes != nullptr && TakeFrame(&rest, &frame);) {
      const auto size = static_cast<uint32_t>(frame.bytes.size());
      MessageView message;
      const bool is_message = ParseMessage(frame.payload, &message);
      if (is_message && session->echoes->Take(EchoHash(message.addresses, message.tail))) {
        SendShared(to, member.session, bytes, begin, end);
        begin = end + size;
        ++own;
      }
      end += size;
    }
    SendShared(to, member.session, bytes, begin, bytes->size());
    if (!to->output_deferred) to->message_count += count - own;
    counters_.messages_delivered.Add(count - own);
    CheckOutput(to);
  }
}

uint64_t ShardCore::EchoHash(Bytes addresses, Bytes tail) {
  return HashText(AsString(tail), HashText(AsString(addresses), text_hash_key));
}

}  // namespace solec

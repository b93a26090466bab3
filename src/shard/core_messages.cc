// What a client's Message means: who may write to whom, and the way there.

#include "shard/shard_core.h"

namespace solec {

// So many messages over a limit are refused one by one; who then still sends no other is ended.
static constexpr uint32_t kOverLimitRunMax = 4'096;

FrameVerdict ShardCore::OnFrame(Connection* connection, const Frame& frame, size_t behind) {
  if (connection->state != ConnectionState::kOpen) [[unlikely]] {
    return OnLoginFrame(connection, frame);
  }
  Session* session = sessions_.Get(connection->session);
  if (session->peer.valid()) [[unlikely]] {
    return OnLinkFrame(connection, PeerOf(*session), frame, behind);
  }
  if (frame.type == PayloadType::kMessage) [[likely]] {
    return OnMessage(connection, session, frame, behind);
  }
  switch (ClassifyClientFrame(frame.type, connection->features)) {
    case FrameClass::kAllowed:
      return OnRequestFrame(connection, session, frame);
    case FrameClass::kIgnored:
      return FrameVerdict::kNext;
    case FrameClass::kNotAllowed:
      break;
  }
  connections_.End(connection, CloseReason::kNotAllowed, ErrorCode::kNotAllowed);
  return FrameVerdict::kEnded;
}

FrameVerdict ShardCore::Malformed(Connection* connection) {
  connections_.End(connection, CloseReason::kMalformed, ErrorCode::kMalformed);
  return FrameVerdict::kEnded;
}

void ShardCore::SendError(Connection* connection, ErrorCode code) {
  counters_.errors_sent[static_cast<size_t>(code)].Add();
  connections_.AppendFrame(connection, Error{code});
}

FrameVerdict ShardCore::RefuseMessage(Connection* connection, Session* session, ErrorCode code) {
  if (code == ErrorCode::kOverLimit && ++session->over_limit_run > kOverLimitRunMax) {
    connections_.End(connection, CloseReason::kOverLimit, ErrorCode::kOverLimit);
    return FrameVerdict::kEnded;
  }
  const uint64_t number = session->receipts != nullptr ? session->receipts->Take() : 0;
  SettleHere(connection->session, number, 1, code);
  return FrameVerdict::kNext;
}

FrameVerdict ShardCore::OnMessage(Connection* connection, Session* session, const Frame& frame,
                                  size_t behind) {
  MessageView message;
  if (!ParseMessage(frame.payload, &message)) return Malformed(connection);
  if (!IsValidUtf8(message.content)) return Malformed(connection);
  if (session->receipts != nullptr && session->receipts->full()) [[unlikely]] {
    connections_.Hold(connection, kHoldReceipts);
    return FrameVerdict::kHoldBefore;
  }
  User* sender = users_.Get(session->user);
  Route* route = session->route.get();
  const std::string_view whole_head =
      route == nullptr ? std::string_view() : std::string_view(route->head).substr(
                                                  std::min(route->head.size(), kFrameHeaderSize));
  bool whole = false;
  const bool known =
      route != nullptr && route->kind != Route::Kind::kNone &&
      ((message.source.empty() && message.target == route->raw_target) ||
       (whole = AsString(message.addresses) == whole_head)) &&
      RouteHolds(*session, *route, *sender);
  if (message.content.size() > limits_.message_bytes_max) {
    return RefuseMessage(connection, session, ErrorCode::kOverLimit);
  }
  if (!known) {
    ErrorCode refused = ErrorCode::kNone;
    const FrameVerdict verdict = ResolveRoute(connection, session, message, &refused);
    if (verdict != FrameVerdict::kNext) return verdict;
    if (refused != ErrorCode::kNone) return RefuseMessage(connection, session, refused);
    if (session->route->kind == Route::Kind::kNone) {
      return OnServiceMessage(connection, session, message);
    }
    route = session->route.get();
    whole = AsString(message.addresses) == std::string_view(route->head).substr(kFrameHeaderSize);
  }
  FrameParts parts{frame.bytes};
  if (!whole) {
    const size_t size = route->head.size() - kFrameHeaderSize + message.tail.size();
    if (size > kPayloadBytesMax) {
      return RefuseMessage(connection, session, ErrorCode::kOverLimit);
    }
    StoreBig(reinterpret_cast<uint8_t*>(route->head.data()) + 1, static_cast<uint16_t>(size));
    parts = {AsBytes(route->head), message.tail};
  }
  return SendAlongRoute(connection, session, parts, behind);
}

bool ShardCore::RouteHolds(const Session&, const Route& route, const User& sender) {
  if (route.epoch != epoch_ || route.sender_version != sender.version) return false;
  if (route.kind == Route::Kind::kLocalUser) {
    const User* user = users_.Get(route.user);
    return user != nullptr && user->version == route.target_version;
  }
  if (route.kind == Route::Kind::kLocalChannel) {
    const Channel* channel = channels_.Get(route.channel);
    return channel != nullptr && channel->version == route.target_version;
  }
  return true;  // the other shard looks again
}

// Finds where the message goes and whether it may: kNext, and then `refused` says why not, if not.
// A route of kind kNone leads to the service address.
FrameVerdict ShardCore::ResolveRoute(Connection* connection, Session* session,
                                     const MessageView& message, ErrorCode* refused) {
  if (!IsValidUtf8(message.source) || !IsValidUtf8(message.target)) return Malformed(connection);
  const User* sender = users_.Get(session->user);
  *refused = ErrorCode::kNotFound;
  if (!message.source.empty()) {
    const Target source = ParseTarget(message.source, server_name_);
    if (source.kind != TargetKind::kUser || source.name != sender->name) return FrameVerdict::kNext;
  }
  const Target target = ParseTarget(message.target, server_name_);
  if (session->route == nullptr) session->route = std::make_unique<Route>();
  Route& route = *session->route;
  route.kind = Route::Kind::kNone;
  const bool foreign = target.kind == TargetKind::kOtherServer;
  const std::string from = FullAddress(sender->name);
  const std::string to = FormatAddress(
      target.name, foreign ? target.server : std::string_view(server_name_));
  // What is for another server goes into the store from here: any shard may write there.
  const uint32_t shard = foreign ? shard_ : ShardOf(target.name);
  Route::Kind kind = Route::Kind::kNone;
  switch (target.kind) {
    case TargetKind::kInvalid:
      return FrameVerdict::kNext;
    case TargetKind::kOtherServer: {
      // The rest is checked there.
      const bool may = target.name.starts_with('#')
                           ? sender->channels.contains(to)
                           : policy_.contacts_open || sender->HasContact(to);
      if (!may || !peers_.contains(FoldServer(target.server))) return FrameVerdict::kNext;
      kind = Route::Kind::kPeer;
      break;
    }
    case TargetKind::kService:
      *refused = ErrorCode::kNone;
      return FrameVerdict::kNext;
    case TargetKind::kUser: {
      if (!policy_.contacts_open && !sender->HasContact(to)) return FrameVerdict::kNext;
      kind = Route::Kind::kRemoteUser;
      if (shard != shard_) break;
      User* user = FindOrLoad(target.name);
      if (user->state == UserState::kLoading) return WaitFor(user, connection);
      if (user->state == UserState::kFailed) *refused = ErrorCode::kUnavailable;
      if (user->state == UserState::kFailed) return FrameVerdict::kNext;
      if (user->state == UserState::kAbsent) return FrameVerdict::kNext;
      if (!policy_.contacts_open && !user->HasContact(from)) return FrameVerdict::kNext;
      kind = Route::Kind::kLocalUser;
      route.user = users_.HandleOf(target.name);
      route.target_version = user->version;
      break;
    }
    case TargetKind::kChannel: {
      if (!sender->channels.contains(target.name)) return FrameVerdict::kNext;
      kind = Route::Kind::kRemoteChannel;
      if (shard != shard_) break;
      Channel* channel = FindOrLoadChannel(target.name);
      if (channel->state == ChannelState::kLoading) return WaitFor(channel, connection);
      if (channel->state == ChannelState::kFailed) *refused = ErrorCode::kUnavailable;
      if (!channel->members.contains(from)) return FrameVerdict::kNext;
      kind = Route::Kind::kLocalChannel;
      route.channel = channels_.HandleOf(target.name);
      route.target_version = channel->version;
      break;
    }
  }
  *refused = ErrorCode::kNone;
  route.kind = kind;
  route.raw_target = message.target;
  route.name = foreign ? FoldServer(target.server) : std::string(target.name);
  route.shard = shard;
  route.epoch = epoch_;
  route.sender_version = sender->version;
  route.mail_text = foreign ? to : route.name + '\0' + from;
  route.head.assign(kFrameHeaderSize, static_cast<char>(PayloadType::kMessage));
  for (const std::string* address : {&from, &to}) {
    uint8_t count[2];
    StoreBig(count, static_cast<uint16_t>(address->size()));
    route.head.append(reinterpret_cast<const char*>(count), sizeof(count)).append(*address);
  }
  return FrameVerdict::kNext;
}

FrameVerdict ShardCore::SendAlongRoute(Connection* connection, Session* session,
                                       const FrameParts& frame, size_t behind) {
  const Route& route = *session->route;
  Origin origin{shard_, connection->session, 0};
  if (session->receipts != nullptr) origin.number = session->receipts->next();
  User* sender = users_.Get(session->user);
  // Counted only once the message is really taken: one that has to wait for room comes again.
  RateLimit rate = sender->rate;
  if (!rate.Take(limits_.messages_per_second_max, now_ns_)) {
    return RefuseMessage(connection, session, ErrorCode::kOverLimit);
  }
  if (route.shard == shard_ && !store_->HasRoom()) [[unlikely]] {
    connections_.Hold(connection, kHoldStore);
    waiting_for_store_.push_back(connection->socket);
    return FrameVerdict::kHoldBefore;
  }
  if (route.shard != shard_) {
    MailHeader header;
    header.type = route.kind == Route::Kind::kRemoteUser ? MailType::kDirect : MailType::kToChannel;
    header.shard = static_cast<uint16_t>(shard_);
    header.session = origin.session;
    header.number = origin.number;
    header.count = 1;
    if (!mailboxes_.Extend(route.shard, MailClass::kRequest, header, route.mail_text, frame.first,
                           frame.second)) {
      if (!mailboxes_.Offer(route.shard, MailClass::kRequest, header, route.mail_text, frame.first,
                            frame.second)) {
        counters_.mail_full.Add();
        connections_.Hold(connection, kHoldMailbox);
        waiting_for_room_.push_back({connection->socket, route.shard});
        return FrameVerdict::kHoldBefore;
      }
      counters_.mail_sent.Add();
    }
  }
  sender->rate = rate;
  session->over_limit_run = 0;
  if (session->receipts != nullptr) session->receipts->Take();
  counters_.messages_received.Add();
  if (route.kind == Route::Kind::kLocalUser) {
    DeliverToUser(users_.Get(route.user), route.user, frame, behind, origin);
  } else if (route.kind == Route::Kind::kLocalChannel) {
    Channel* channel = channels_.Get(route.channel);
    channel->used = true;
    SendToChannel(channel, route.channel, frame, origin);
  } else if (route.kind == Route::Kind::kPeer) {
    SendToPeer(session, *sender, frame, origin);
  }
  return connection->holds == 0 ? FrameVerdict::kNext : FrameVerdict::kHoldAfter;
}

// Into the spool; the link takes it from there once it is committed.
void ShardCore::SendToPeer(Session* session, const User& sender, const FrameParts& frame,
                           const Origin& origin) {
  const Route& route = *session->route;
  if (route.mail_text.starts_with('#')) {
    // The channel's server will send it back, for the others who are here.
    MessageView message;
    Bytes addresses = frame.first.subspan(kFrameHeaderSize), tail = frame.second;
    if (tail.empty() && ParseMessage(addresses, &message)) {
      addresses = message.addresses;
      tail = message.tail;
    }
    if (session->echoes == nullptr) session->echoes = std::make_unique<Echoes>();
    session->echoes->Add(EchoHash(addresses, tail));
  }
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kOutgoing;
  ticket.shard = origin.shard;
  ticket.session = origin.session.Pack();
  ticket.number = origin.number;
  ticket.count = frame.count;
  store_->KeepOutgoing({route.name, sender.name, route.mail_text, frame.first, frame.second},
                       ticket);
}

FrameVerdict ShardCore::OnServiceMessage(Connection* connection, Session* session,
                                         const MessageView& message) {
  counters_.messages_received.Add();
  const uint64_t number = session->receipts != nullptr ? session->receipts->Take() : 0;
  SettleHere(connection->session, number, 1, ErrorCode::kNone);
  session->request = std::make_unique<PendingRequest>();
  session->request->by_service = true;
  session->request->lines = message.content;
  connections_.Hold(connection, kHoldRequest);
  RunNextServiceLine(connection->session);
  return FrameVerdict::kHoldAfter;
}

}  // namespace solec

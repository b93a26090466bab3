// Messages that are kept for users: on their way into the store, back from there to a session that
// catches up, and how far they have arrived.
//
// A session is live or catches up. A live one is sent each message at once. One that catches up is
// sent what the store has beyond the user's mark, page by page; what comes meanwhile is kept and,
// as far as it fits, held in the inbox's tail. After the last page the session is sent that part of
// the tail which no page has shown, and is live.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

// Waiting messages are read and sent by this much at a time.
static constexpr size_t kPageBytes = 64 * 1024;
// How far a peer has got is asked of the kernel after so many messages, and at a session's end.
static constexpr uint64_t kMessagesPerLook = 64;
// The mark goes into the store with the next message. By itself once so much has arrived, so that a
// crash does not bring all of it again.
static constexpr uint64_t kUnsavedBytesMax = 256 * 1024;

// The source of a Message frame, or of its first part.
static std::string_view SourceOf(Bytes frame) {
  const size_t size = LoadBig<uint16_t>(frame.data() + kFrameHeaderSize);
  return AsString(frame.subspan(kFrameHeaderSize + sizeof(uint16_t), size));
}

// The server that a frame of a link comes from.
std::string_view ShardCore::PeerOfFrame(Bytes frame) {
  const std::string_view source = SourceOf(frame);
  return source.substr(source.find('@') + 1);
}

// Calls visit(frame, message) for the Messages among whole frames.
template <class Visit>
static void ForEachMessage(Bytes frames, Visit&& visit) {
  MessageView message;
  for (Frame frame; TakeFrame(&frames, &frame);) {
    const bool is_message = frame.type == PayloadType::kMessage;
    if (is_message && ParseMessage(frame.payload, &message)) visit(frame.bytes, message);
  }
}

// Likewise, for those that wait in an output and did not come from the store.
template <class Visit>
static void ForEachUnsent(const Session& session, const OutputQueue& output, Visit&& visit) {
  // A frame that was sent in part counts as unsent, so they begin before sent_count().
  uint64_t place = output.sent_count() + output.byte_count();
  output.ForEachUnsent([&](Bytes frames) { place -= frames.size(); });
  const uint64_t kept_end = session.delivery != nullptr ? session.delivery->kept_end : 0;
  output.ForEachUnsent([&](Bytes frames) {
    for (Frame frame; place < kept_end && TakeFrame(&frames, &frame);) {
      place += frame.bytes.size();
    }
    place += frames.size();
    ForEachMessage(frames, visit);
  });
}

// From one user to another: what the store keeps for its target. The others are a channel's, and
// answers of the service address.
static bool IsDirect(const MessageView& message) {
  const bool service = message.source.starts_with(kServiceName) &&
                       message.source.substr(kServiceName.size()).starts_with('@');
  return !service && !message.target.starts_with('#');
}

// --- into the store ---

void ShardCore::KeepDirect(User* user, Handle<User> handle, const FrameParts& frame,
                           const Origin& origin, bool waiting_only) {
  if (user->inbox == nullptr) user->inbox = std::make_unique<Inbox>(InboxMark{}, InboxMark{});
  Inbox& inbox = *user->inbox;
  KeepTicket ticket;
  ticket.shard = origin.shard;
  ticket.count = frame.count;
  ticket.session = origin.session.Pack();
  ticket.number = origin.number;
  ticket.object = handle.Pack();
  ticket.ordinal = inbox.Submit(frame.count, frame.size());
  store_->KeepDirect({user->name, SourceOf(frame.first), frame.first, frame.second,
                      inbox.TakeDelivered(), inbox.bytes(), waiting_only,
                      origin.kind == OriginKind::kStream ? PeerOfFrame(frame.first)
                                                         : std::string_view()},
                     ticket);
  if (inbox.catching_up != 0 && !inbox.PushTail(frame.count, frame.first, frame.second)) {
    for (const Handle<Session> session : user->sessions) {
      CatchUp* catch_up = sessions_.Get(session)->catch_up.get();
      if (catch_up != nullptr) catch_up->from_ordinal = inbox.submitted();
    }
  }
  for (const Handle<Session> session : user->sessions) MarkDelivery(sessions_.Get(session), inbox);
}

void ShardCore::OnKept(const KeepTicket& ticket, StoreStatus status, uint64_t last_position) {
  const bool kept = status == StoreStatus::kDone;
  const ErrorCode code = kept ? ErrorCode::kNone : ErrorCode::kUnavailable;
  if (ticket.kind == KeepTicket::Kind::kChannel) {
    for (uint64_t i = 0; i < ticket.ordinal; ++i) {
      const BatchOrigin& origin = kept_origins_.front();
      Settle({origin.shard, origin.session, origin.number}, code, origin.count);
      kept_origins_.pop_front();
    }
    return;
  }
  const auto session = Handle<Session>::Unpack(ticket.session);
  Settle({ticket.shard, session, ticket.number}, code, ticket.count);
  if (ticket.kind != KeepTicket::Kind::kDirect) return;
  const auto handle = Handle<User>::Unpack(ticket.object);
  User* user = users_.Get(handle);
  if (user == nullptr) return;
  Inbox& inbox = *user->inbox;
  inbox.OnKept(ticket.ordinal, ticket.count, kept, last_position);
  const bool waits = user->sessions.empty();
  if (kept && waits) counters_.messages_waiting.Add(ticket.count);
  for (const Handle<Session> session_handle : user->sessions) {
    Session* to = sessions_.Get(session_handle);
    if (kept && to->delivery != nullptr) {
      Inbox::FillPosition(&to->delivery->mark, ticket.ordinal, ticket.count, last_position);
    }
    if (to->catch_up != nullptr) PumpCatchUp(session_handle);
  }
  if (kept) SaveDelivered(user);
  if (!waits) return;
  users_.MarkIdle(handle);
  users_.EvictIdle();
}

// --- to the user ---

void ShardCore::StartCatchUp(Connection* connection, Handle<Session> handle, User* user) {
  if (user->inbox == nullptr) return;
  for (const Handle<Session> other : user->sessions) {
    Session* live = sessions_.Get(other);
    if (live->delivery != nullptr) LookHowFar(live, *connections_.Get(live->socket));
  }
  if (!user->inbox->HasWaiting()) return;
  Session* session = sessions_.Get(handle);
  session->catch_up = std::make_unique<CatchUp>();
  session->catch_up->read = user->inbox->delivered();
  session->catch_up->from_ordinal = user->inbox->submitted();
  ++user->inbox->catching_up;
  connection->output_deferred = true;
  PumpCatchUp(handle);
}

// Asks for the next page, if it is time for it.
void ShardCore::PumpCatchUp(Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  CatchUp& catch_up = *session->catch_up;
  const User* user = users_.Get(session->user);
  if (catch_up.reading || user->inbox->completed() < catch_up.from_ordinal) return;
  Connection* connection = connections_.Get(session->socket);
  if (connection->output.sent_count() < catch_up.sent_target) {
    connection->drained_wanted = true;
    return;
  }
  catch_up.reading = true;
  catch_up.asked_ordinal = catch_up.from_ordinal;
  store_->ReadWaiting(user->name, catch_up.read.position, kPageBytes,
                      [this, handle](StoreCompletion& completion) {
    OnWaitingPage(handle, completion);
  });
}

void ShardCore::OnWaitingPage(Handle<Session> handle, StoreCompletion& completion) {
  Session* session = sessions_.Get(handle);
  if (session == nullptr || session->catch_up == nullptr) return;
  CatchUp& catch_up = *session->catch_up;
  catch_up.reading = false;
  Connection* to = connections_.Get(session->socket);
  const auto* page = std::get_if<WaitingPage>(&completion.value);
  if (completion.status != StoreStatus::kDone || page == nullptr) {
    connections_.End(to, CloseReason::kStoreFailed, ErrorCode::kUnavailable);
    return;
  }
  Bytes frames = AsBytes(page->frames);
  for (Frame frame; TakeFrame(&frames, &frame);) {
    AppendMessages(to, {frame.bytes}, frames.size());
  }
  if (page->count != 0) catch_up.read = page->up_to;
  else catch_up.read.position = std::max(catch_up.read.position, page->up_to.position);
  const User* user = users_.Get(session->user);
  MarkDelivery(session, *user->inbox);
  catch_up.sent_target = to->output.sent_count() + to->output.byte_count();
  session->delivery->kept_end = catch_up.sent_target;
  CheckOutput(to);
  // What the tail could not hold meanwhile has to be read too.
  if (!page->more && catch_up.asked_ordinal == catch_up.from_ordinal) GoLive(to, handle);
  else PumpCatchUp(handle);
}

void ShardCore::GoLive(Connection* to, Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  Inbox& inbox = *users_.Get(session->user)->inbox;
  for (const Inbox::TailRun& run : inbox.tail()) {
    const bool read = run.position != 0 && run.position <= session->catch_up->read.position;
    if (read || run.ordinal <= session->catch_up->from_ordinal) continue;
    AppendMessages(to, {AsBytes(run.frames), {}, run.count}, 0);
  }
  session->delivery->kept_end = to->output.sent_count() + to->output.byte_count();
  EndCatchUp(session, &inbox);
  SendDeferred(session);
  MarkDelivery(session, inbox);
  CheckOutput(to);
}

void ShardCore::EndCatchUp(Session* session, Inbox* inbox) {
  session->catch_up.reset();
  if (--inbox->catching_up == 0) inbox->DropTail();
}

// --- how far they have arrived ---

uint64_t ShardCore::OutputPlace(const Session& session, const Connection& connection) const {
  return session.receipts != nullptr
             ? connection.message_count
             : connection.output.sent_count() + connection.output.byte_count();
}

// Puts the mark behind what is in the output now, unless an older one is waited for still.
void ShardCore::MarkDelivery(Session* session, const Inbox& inbox) {
  if (session->delivery == nullptr) session->delivery = std::make_unique<Delivery>();
  Delivery& delivery = *session->delivery;
  const Connection& connection = *connections_.Get(session->socket);
  if (delivery.mark.target == 0) {
    const uint64_t place = OutputPlace(*session, connection);
    if (session->catch_up == nullptr) delivery.mark = inbox.MarkNow(place);
    else delivery.mark = {place, 0, session->catch_up->read};
    return;
  }
  const bool look = session->receipts == nullptr && session->catch_up == nullptr &&
                    inbox.submitted() - delivery.mark.ordinal >= kMessagesPerLook;
  if (look) LookHowFar(session, connection);
}

// How much of the output the peer has, in the unit of its marks.
uint64_t ShardCore::ArrivedPlace(const Session& session, const Connection& connection) const {
  if (session.receipts != nullptr) return session.delivery->accepted;
  const uint64_t sent = connection.output.sent_count();
  const uint64_t unacked = unacked_bytes ? unacked_bytes(session.socket) : 0;
  return sent - std::min(sent, unacked);
}

void ShardCore::LookHowFar(Session* session, const Connection& connection) {
  Delivery& delivery = *session->delivery;
  User* user = users_.Get(session->user);
  const uint64_t arrived = ArrivedPlace(*session, connection);
  while (delivery.mark.target != 0 && delivery.mark.target <= arrived) {
    const DeliveryMark reached = std::exchange(delivery.mark, {});
    user->inbox->Acknowledge(reached);
    const bool newer = session->catch_up != nullptr
                           ? session->catch_up->read.position > reached.mark.position
                           : user->inbox->submitted() > reached.ordinal;
    if (newer) MarkDelivery(session, *user->inbox);
  }
  SaveDelivered(user);
}

void ShardCore::OnAccepted(Connection* connection, Session* session, uint64_t up_to) {
  if (session->delivery == nullptr) session->delivery = std::make_unique<Delivery>();
  Delivery& delivery = *session->delivery;
  delivery.answers = true;
  delivery.accepted = std::max(delivery.accepted, std::min(up_to, connection->message_count));
  if (delivery.mark.target != 0) LookHowFar(session, *connection);
}

// At a session's end: what has arrived has arrived; the rest is delivered again. A peer that agreed
// on receipts and never sent one is taken at its TCP's word, if it left in order. (Accepted{0} is
// one too: whoever looks at no messages says so.)
void ShardCore::EndDelivery(Connection* connection, Session* session, User* user) {
  if (session->delivery != nullptr) {
    Inbox& inbox = *user->inbox;
    LookHowFar(session, *connection);
    const bool in_order = connection->close_reason == CloseReason::kPeerClosed &&
                          !session->delivery->answers;
    const bool all_sent = connection->output.empty() &&
                          (!unacked_bytes || unacked_bytes(session->socket) == 0);
    const bool all_arrived =
        session->receipts != nullptr && !in_order
            ? session->delivery->accepted == connection->message_count
            : all_sent;
    if (all_arrived) {
      if (session->catch_up == nullptr) inbox.Acknowledge(inbox.MarkNow(1));
      else inbox.Acknowledge({1, 0, session->catch_up->read});
    }
  }
  if (session->catch_up != nullptr) EndCatchUp(session, user->inbox.get());
  SaveDelivered(user);
}

void ShardCore::SaveDelivered(User* user) {
  Inbox& inbox = *user->inbox;
  if (inbox.saved()) return;
  // Where all is kept, the next message brings it along, as long as somebody is there to get any.
  if (store_->KeepsAll() && !user->sessions.empty() && inbox.unsaved_bytes() < kUnsavedBytesMax) {
    return;
  }
  store_->SetDelivered(user->name, inbox.TakeDelivered(),
                       [this, name = user->name](StoreCompletion& completion) {
    User* saved = users_.Find(name);
    if (completion.status == StoreStatus::kDone || saved == nullptr) return;
    if (saved->inbox != nullptr) saved->inbox->NotSaved();
  });
}

// --- what the store does not have ---

// Whether what is in the outputs of this user's sessions, direct messages that is, is kept.
bool ShardCore::IsOutputKept(const User& user) const {
  return store_->KeepsAll() || (user.inbox != nullptr && user.inbox->HasWaiting());
}

// What the last session of a user did not get any more, and what is kept nowhere, waits for the
// next.
void ShardCore::RescueOutput(Connection* connection, const Session& session, User* user,
                             Handle<User> handle) {
  const bool direct_are_kept = IsOutputKept(*user);
  auto rescue = [&](Bytes frame, const MessageView& message) {
    if (!direct_are_kept || !IsDirect(message)) KeepDirect(user, handle, {frame}, {}, true);
  };
  ForEachUnsent(session, connection->output, rescue);
  if (session.deferred != nullptr) ForEachMessage(AsBytes(*session.deferred), rescue);
}

// A new session is given what another one of the user has not sent yet, as far as it is kept
// nowhere: if that one is a connection that broke unnoticed, nobody else would ever have it. So all
// sessions of a user hold all that no session has sent, and only the last one's output has to be
// rescued.
void ShardCore::CopyUnsent(const User& user, Connection* to, Session* session) {
  const bool direct_are_kept = IsOutputKept(user);
  auto for_each = [&](const Session& from, auto&& visit) {
    ForEachUnsent(from, connections_.Get(from.socket)->output,
                  [&](Bytes frame, const MessageView& message) {
      const bool direct = IsDirect(message);
      if (direct ? !direct_are_kept : message.target.starts_with('#')) visit(frame);
    });
  };
  const Session* slowest = nullptr;
  const std::string* deferred = nullptr;
  size_t most = 0;
  for (const Handle<Session> handle : user.sessions) {
    const Session* other = sessions_.Get(handle);
    const bool more = other->deferred != nullptr &&
                      (deferred == nullptr || other->deferred->size() > deferred->size());
    if (more) deferred = other->deferred.get();
    size_t count = 0;
    for_each(*other, [&](Bytes) { ++count; });
    if (count > most) slowest = other;
    most = std::max(most, count);
  }
  auto give = [&](Bytes frame) {
    if (session->catch_up != nullptr) Defer(to, session, frame);  // what is older comes first
    else PutMessages(to, {frame}, 0);
  };
  if (deferred == nullptr) {
    if (slowest != nullptr) for_each(*slowest, give);
    return;
  }
  // Another one catches up: it was given the others' in its time, and has had all since.
  Bytes frames = AsBytes(*deferred);
  for (Frame frame; TakeFrame(&frames, &frame);) give(frame.bytes);
}

void ShardCore::Defer(Connection* to, Session* session, Bytes frames) {
  if (session->deferred == nullptr) session->deferred = std::make_unique<std::string>();
  session->deferred->append(AsString(frames));
  if (session->deferred->size() + to->output.byte_count() > limits_.output_bytes_max) {
    connections_.End(to, CloseReason::kTooSlow, ErrorCode::kTooSlow);
  }
}

void ShardCore::SendDeferred(Session* session) {
  Connection* to = connections_.Get(session->socket);
  to->output_deferred = false;
  const std::unique_ptr<std::string> deferred = std::move(session->deferred);
  if (deferred == nullptr) return;
  Bytes frames = AsBytes(*deferred);
  for (Frame frame; TakeFrame(&frames, &frame);) PutMessages(to, {frame.bytes}, frames.size());
}

}  // namespace solec

// Messages into outputs, and what becomes of them back to whoever sent them.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

// Senders that one slow reader holds; more go on until its output is full.
static constexpr size_t kHeldSendersMax = 1'024;
static constexpr uint64_t kHoldSendersNs = 5'000'000'000;

void ShardCore::DeliverToUser(User* user, Handle<User> handle, const FrameParts& frame,
                              size_t behind, const Origin& origin) {
  const bool keeps_all = store_->KeepsAll();
  const bool full = keeps_all && store_->IsFull();
  const bool waits = user->sessions.empty();
  // A peer sends again what could not be kept: it would be delivered each time.
  if (full && (waits || !policy_.deliver_when_full || origin.kind != OriginKind::kSession)) {
    return Settle(origin, ErrorCode::kUnavailable, frame.count);
  }
  if (waits && user->inbox != nullptr &&
      user->inbox->waiting_bytes() + frame.size() > limits_.waiting_bytes_per_user_max) {
    // To a peer 0x43 means that this server cannot keep anything now, and ends the link.
    const bool by_user = origin.kind == OriginKind::kSession;
    return Settle(origin, by_user ? ErrorCode::kUnavailable : ErrorCode::kOverLimit, frame.count);
  }
  bool catching_up = false;
  for (const Handle<Session> session_handle : user->sessions) {
    const Session* session = sessions_.Get(session_handle);
    if (session->catch_up != nullptr) [[unlikely]] {
      catching_up = true;  // it finds them in the store, or in the inbox's tail
      continue;
    }
    Connection* to = connections_.Get(session->socket);
    AppendMessages(to, frame, behind);
    CheckOutput(to);
    if (to->output.byte_count() >= output_high_ && origin.kind == OriginKind::kSession) {
      HoldSenderOf(to, origin.shard, origin.session);
    }
  }
  if (full) {
    // As configured: delivered, but not kept, and so the sender keeps it.
    const bool counted = origin.number != 0;
    Settle(origin, counted ? ErrorCode::kUnavailable : ErrorCode::kNone, frame.count);
  } else if (keeps_all || waits || catching_up || IsOutputKept(*user)) {
    KeepDirect(user, handle, frame, origin);
  } else if (origin.kind == OriginKind::kStream) {
    MarkDelivered(frame, origin);
  } else {
    Settle(origin, ErrorCode::kNone, frame.count);
  }
}

// Of a peer's messages that are kept nowhere the numbers are.
void ShardCore::MarkDelivered(const FrameParts& frame, const Origin& origin) {
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kReceived;
  ticket.shard = origin.shard;
  ticket.session = origin.session.Pack();
  ticket.number = origin.number;
  ticket.count = frame.count;
  store_->MarkReceived({PeerOfFrame(frame.first), origin.number, frame.count}, ticket);
}

void ShardCore::PutMessages(Connection* to, const FrameParts& frame, size_t behind) {
  frame.CopyTo(connections_.Append(to, frame.size(), behind));
  to->message_count += frame.count;
}

void ShardCore::AppendMessages(Connection* to, const FrameParts& frame, size_t behind) {
  PutMessages(to, frame, behind);
  counters_.messages_delivered.Add(frame.count);
}

void ShardCore::CheckOutput(Connection* to) {
  if (to->output.byte_count() > limits_.output_bytes_max) [[unlikely]] {
    connections_.End(to, CloseReason::kTooSlow, ErrorCode::kTooSlow);
  }
}

// --- slow readers ---

void ShardCore::HoldSenderOf(Connection* slow, uint32_t shard, Handle<Session> sender) {
  Session* session = sessions_.Get(slow->session);
  if (session == nullptr || session->holds_expired || !sender.valid()) return;
  if (session->held_senders.size() >= kHeldSendersMax) return;
  for (const HeldSender& held : session->held_senders) {
    if (held.shard == shard && held.session == sender) return;
  }
  session->held_senders.push_back({shard, sender});
  slow->drained_wanted = true;
  // The timer may have been set for a send that does not end; it is set for that again when it
  // rings.
  if (session->held_senders.size() == 1) {
    connections_.timers().Set(slow->socket.index, now_ns_ + kHoldSendersNs);
  }
  MailHeader header;
  header.type = MailType::kHoldSender;
  header.session = sender;
  PostOrTake(shard, MailClass::kAnswer, header, {});
}

void ShardCore::ReleaseHeldSenders(Session* session) {
  MailHeader header;
  header.type = MailType::kResumeSender;
  for (const HeldSender& held : std::exchange(session->held_senders, {})) {
    header.session = held.session;
    PostOrTake(held.shard, MailClass::kAnswer, header, {});
  }
}

void ShardCore::OnOutputDrained(Connection* connection) {
  const Handle<Session> handle = connection->session;
  Session* session = sessions_.Get(handle);
  if (session == nullptr) return;
  if (Peer* peer = PeerOf(*session)) return PumpSpool(peer);
  session->holds_expired = false;
  ReleaseHeldSenders(session);
  if (session->catch_up != nullptr) PumpCatchUp(handle);
  if (session->request == nullptr || !session->request->list_waits) return;
  if (session->request->kind == RequestKind::kHistory) RunHistory(handle);
  else RunList(handle);
}

void ShardCore::OnHoldExpired(Connection* connection) {
  Session* session = sessions_.Get(connection->session);
  if (session == nullptr || session->held_senders.empty()) return;
  ReleaseHeldSenders(session);
  session->holds_expired = true;
}

// --- receipts ---

void ShardCore::Settle(const Origin& origin, ErrorCode code, uint32_t count) {
  if (origin.number == 0 && code == ErrorCode::kNone) return;  // nobody counts
  if (!origin.session.valid()) return;
  if (origin.shard == shard_) {
    SettleHere(origin.session, origin.number, count, code);
    return;
  }
  const Origin& run = settled_run_.origin;
  if (settled_run_.count != 0 && code == ErrorCode::kNone && settled_run_.code == code &&
      run.shard == origin.shard && run.session == origin.session &&
      run.number + settled_run_.count == origin.number) {
    settled_run_.count += count;
    return;
  }
  FlushSettled();
  settled_run_ = {origin, count, code};
}

void ShardCore::FlushSettled() {
  if (settled_run_.count == 0) return;
  MailHeader header;
  header.type = MailType::kSettled;
  header.code = static_cast<uint8_t>(settled_run_.code);
  header.session = settled_run_.origin.session;
  header.number = settled_run_.origin.number;
  header.count = static_cast<uint32_t>(settled_run_.count);
  mailboxes_.Post(settled_run_.origin.shard, MailClass::kAnswer, header, {});
  settled_run_.count = 0;
}

void ShardCore::SettleHere(Handle<Session> handle, uint64_t number, uint64_t count,
                           ErrorCode code) {
  Session* session = sessions_.Get(handle);
  if (session == nullptr) return;
  if (Peer* peer = PeerOf(*session)) {
    // By the shard of the target, that is. (What could not be kept comes again.)
    const bool refused = code != ErrorCode::kNone && code != ErrorCode::kUnavailable;
    if (refused && peer->in.open) peer->counts.refused_other += count;
    return SettleLink(peer, number, count, code);
  }
  if (code == ErrorCode::kNone && session->receipts == nullptr) return;
  Connection* connection = connections_.Get(session->socket);
  if (code != ErrorCode::kNone) {
    counters_.messages_refused.Add(count);
    for (uint64_t i = 0; i < count; ++i) {
      if (session->receipts == nullptr) {
        SendError(connection, code);
      } else {
        counters_.errors_sent[static_cast<size_t>(code)].Add();
        connections_.AppendFrame(connection, Rejected{number + i, code});
      }
    }
    CheckOutput(connection);
    if (session->receipts == nullptr) return;
  }
  session->receipts->Settle(number, count);
  connections_.Unhold(connection, kHoldReceipts);
  if (session->receipts_dirty) return;
  session->receipts_dirty = true;
  dirty_receipts_.push_back(handle);
}

void ShardCore::GatherTurn() {
  for (const Handle<Channel> handle : dirty_channels_) {
    if (Channel* channel = channels_.Get(handle)) FlushChannel(channel);
  }
  dirty_channels_.clear();
  FlushSettled();
  for (const Handle<Session> handle : dirty_receipts_) {
    Session* session = sessions_.Get(handle);
    if (session == nullptr) continue;
    session->receipts_dirty = false;
    Receipts& receipts = *session->receipts;
    if (receipts.settled() == receipts.announced) continue;
    receipts.announced = receipts.settled();
    connections_.AppendFrame(connections_.Get(session->socket), Accepted{receipts.announced});
  }
  dirty_receipts_.clear();
  GatherPeers();
}

}  // namespace solec

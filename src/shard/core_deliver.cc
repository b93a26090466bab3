// Messages into outputs, or into the store for users who are away; and what becomes of them back to
// whoever sent them.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

// Waiting messages are read and sent by this much at a time.
static constexpr size_t kBacklogPageBytes = 64 * 1024;
// Senders that one slow reader holds; more go on until its output is full.
static constexpr size_t kHeldSendersMax = 1'024;
static constexpr uint64_t kHoldSendersNs = 5'000'000'000;

void ShardCore::DeliverToUser(User* user, Handle<User> handle, const FrameParts& frame,
                              size_t behind, const Origin& origin) {
  if (user->backlog || user->sessions.empty()) {
    if (frame.count == 1) return KeepWaiting(user, handle, frame, origin);
    Bytes frames = frame.first;
    Origin one = origin;
    for (Frame next; TakeFrame(&frames, &next);) {
      KeepWaiting(user, handle, {next.bytes}, one);
      if (one.number != 0) ++one.number;
    }
    return;
  }
  for (const Handle<Session> session_handle : user->sessions) {
    Connection* to = connections_.Get(sessions_.Get(session_handle)->socket);
    frame.CopyTo(connections_.Append(to, frame.size(), behind));
    counters_.messages_delivered.Add(frame.count);
    CheckOutput(to);
    if (to->output.byte_count() >= output_high_) HoldSenderOf(to, origin);
  }
  Settle(origin, ErrorCode::kNone, frame.count);
}

void ShardCore::CheckOutput(Connection* to) {
  if (to->output.byte_count() > limits_.output_bytes_max) [[unlikely]] {
    connections_.End(to, CloseReason::kTooSlow, ErrorCode::kTooSlow);
  }
}

// --- users who are away ---

void ShardCore::KeepWaiting(User* user, Handle<User> handle, const FrameParts& frame,
                            const Origin& origin) {
  std::string bytes(frame.size(), '\0');
  frame.CopyTo(reinterpret_cast<uint8_t*>(bytes.data()));
  user->backlog = true;
  ++user->backlog_appending;
  store_->AppendWaiting(user->name, AsBytes(bytes),
                        [this, handle, origin](StoreCompletion& completion) {
    const bool kept = completion.status == StoreStatus::kDone;
    if (kept) counters_.messages_waiting.Add();
    Settle(origin, kept ? ErrorCode::kNone : ErrorCode::kUnavailable);
    User* to = users_.Get(handle);
    if (to == nullptr) return;
    --to->backlog_appending;
    PumpBacklog(handle);
    users_.MarkIdle(handle);
    users_.EvictIdle();
  });
}

void ShardCore::PumpBacklog(Handle<User> handle) {
  User* user = users_.Get(handle);
  if (user->sessions.empty() || user->backlog_reading || user->backlog_delivered != 0) return;
  user->backlog_reading = true;
  store_->ReadWaiting(user->name, kBacklogPageBytes, [this, handle](StoreCompletion& completion) {
    OnBacklogPage(handle, completion);
  });
}

void ShardCore::OnBacklogPage(Handle<User> handle, StoreCompletion& completion) {
  User* user = users_.Get(handle);
  if (user == nullptr) return;
  user->backlog_reading = false;
  const auto* page = std::get_if<WaitingPage>(&completion.value);
  if (user->sessions.empty()) {
    users_.MarkIdle(handle);
    return;
  }
  if (page == nullptr || page->frames.empty()) {
    // What is on its way into the store asks again when it is there.
    if (user->backlog_appending != 0) return;
    user->backlog = false;
    for (const Handle<Session> session : user->sessions) SendDeferred(sessions_.Get(session));
    return;
  }
  user->backlog_delivered = page->last_position;
  for (const Handle<Session> session_handle : user->sessions) {
    Session* session = sessions_.Get(session_handle);
    Connection* to = connections_.Get(session->socket);
    Bytes frames = AsBytes(page->frames);
    Frame frame;
    while (TakeFrame(&frames, &frame)) {
      FrameParts{frame.bytes}.CopyTo(connections_.Append(to, frame.bytes.size(), frames.size()));
      counters_.messages_delivered.Add();
    }
    session->backlog_mark = to->output.sent_count() + to->output.byte_count();
    to->drained_wanted = true;
  }
}

// The page is forgotten once every session has sent it; then the next one is read.
void ShardCore::ContinueBacklog(Handle<User> handle) {
  User* user = users_.Get(handle);
  if (user->backlog_delivered == 0) return;
  for (const Handle<Session> session_handle : user->sessions) {
    const Session* session = sessions_.Get(session_handle);
    Connection* connection = connections_.Get(session->socket);
    if (connection->output.sent_count() < session->backlog_mark) {
      connection->drained_wanted = true;
      return;
    }
  }
  for (const Handle<Session> session_handle : user->sessions) {
    sessions_.Get(session_handle)->backlog_mark = 0;
  }
  const uint64_t position = std::exchange(user->backlog_delivered, 0);
  store_->TrimWaiting(user->name, position, [](StoreCompletion&) {});
  PumpBacklog(handle);
}

// If another session was given the page too, that one sees it through. If not, the page is still in
// the store, and comes again from there.
void ShardCore::RepeatBacklog(Handle<User> handle) {
  User* user = users_.Get(handle);
  const bool others_have_it = std::any_of(
      user->sessions.begin(), user->sessions.end(),
      [this](Handle<Session> session) { return sessions_.Get(session)->backlog_mark != 0; });
  if (others_have_it) return ContinueBacklog(handle);
  user->backlog_delivered = 0;
  PumpBacklog(handle);
}

// What the last session of a user did not get any more waits for the next. While a page of waiting
// messages is in the output, nothing else is: all that is not sent is in the store already.
void ShardCore::RescueOutput(Connection* connection, const Session& session, User* user,
                             Handle<User> handle) {
  auto rescue = [&](Bytes frames) {
    Frame frame;
    while (TakeFrame(&frames, &frame)) {
      if (frame.type == PayloadType::kMessage) KeepWaiting(user, handle, {frame.bytes}, {});
    }
  };
  if (user->backlog_delivered == 0) connection->output.ForEachUnsent(rescue);
  if (session.deferred != nullptr) rescue(AsBytes(*session.deferred));
}

// A new session is given what another one of the user has not sent yet: if that one is a connection
// that broke unnoticed, nobody else would ever have it. So all sessions of a user hold all that no
// session has sent, and only the last one's output has to be rescued. (A page of waiting messages
// is in the store still, and comes from there.)
void ShardCore::CopyUnsent(const User& user, Connection* to, Session* session) {
  const std::string service = FullAddress(kServiceName);
  auto for_each_message = [&](const Session& from, auto&& visit) {
    connections_.Get(from.socket)->output.ForEachUnsent([&](Bytes frames) {
      MessageView message;
      for (Frame frame; TakeFrame(&frames, &frame);) {
        const bool is_message =
            frame.type == PayloadType::kMessage && ParseMessage(frame.payload, &message);
        if (is_message && message.source != service) visit(frame.bytes, message);
      }
    });
  };
  const Session* slowest = nullptr;
  size_t most = 0;
  for (const Handle<Session> handle : user.sessions) {
    const Session* other = sessions_.Get(handle);
    if (other->deferred != nullptr && session->deferred == nullptr) {
      session->deferred = std::make_unique<std::string>(*other->deferred);
    }
    size_t count = 0;
    for_each_message(*other, [&](Bytes, const MessageView& message) {
      if (!message.target.starts_with('#')) ++count;
    });
    if (count > most) slowest = other;
    most = std::max(most, count);
  }
  if (slowest == nullptr || user.backlog_delivered != 0) return;
  for_each_message(*slowest, [&](Bytes frame, const MessageView&) {
    FrameParts{frame}.CopyTo(connections_.Append(to, frame.size()));
  });
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
  for (Frame frame; TakeFrame(&frames, &frame);) {
    FrameParts{frame.bytes}.CopyTo(connections_.Append(to, frame.bytes.size(), frames.size()));
  }
}

// --- slow readers ---

void ShardCore::HoldSenderOf(Connection* slow, const Origin& origin) {
  Session* session = sessions_.Get(slow->session);
  if (session == nullptr || session->holds_expired || !origin.session.valid()) return;
  if (session->held_senders.size() >= kHeldSendersMax) return;
  for (const HeldSender& held : session->held_senders) {
    if (held.shard == origin.shard && held.session == origin.session) return;
  }
  session->held_senders.push_back({origin.shard, origin.session});
  slow->drained_wanted = true;
  // The timer may have been set for a send that does not end; it is set for that again when it
  // rings.
  if (session->held_senders.size() == 1) {
    connections_.timers().Set(slow->socket.index, now_ns_ + kHoldSendersNs);
  }
  MailHeader header;
  header.type = MailType::kHoldSender;
  header.session = origin.session;
  PostOrTake(origin.shard, MailClass::kAnswer, header, {});
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
  session->holds_expired = false;
  ReleaseHeldSenders(session);
  ContinueBacklog(session->user);
  if (session->request != nullptr && session->request->list_waits) RunList(handle);
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
}

}  // namespace solec

// Connections until they are sessions, and their end.

#include <algorithm>
#include <cstring>
#include <utility>

#include "shard/shard_core.h"

namespace solec {

// What this server offers: histories where they are kept, and where there are peers what is for
// links, since who comes says only later what it is.
uint32_t ShardCore::KnownFeatures() const {
  uint32_t known = kFeaturePing | kFeatureReceipts | kFeatureRequests;
  if (store_->KeepsAll()) known |= kFeatureHistory;
  if (!peers_.empty()) known |= kFeatureResume;
  return known;
}

FrameVerdict ShardCore::OnLoginFrame(Connection* connection, const Frame& frame) {
  if (connection->dialled) return OnDialFrame(connection, frame);
  const ServerSequence before = connection->sequence;
  const SequenceStep step = connection->sequence.OnFrame(frame, KnownFeatures());
  switch (step.action) {
    case SequenceAction::kHandshake:
      connection->features = step.features;
      connections_.AppendFrame(connection, Handshake{kVersionMajor, kVersionMinor, step.features});
      return FrameVerdict::kNext;
    case SequenceAction::kCheckUser:
      return CheckUser(connection, step, before);
    case SequenceAction::kCheckPeer:
      return CheckPeer(connection, step, before);
    case SequenceAction::kError:
      connections_.End(connection,
                       step.code == ErrorCode::kMalformed ? CloseReason::kMalformed
                                                          : CloseReason::kNotAllowed,
                       step.code);
      return FrameVerdict::kEnded;
    case SequenceAction::kClose:
      connections_.End(connection, CloseReason::kBadHandshake);
      return FrameVerdict::kEnded;
    case SequenceAction::kCloseVersion:
      connections_.End(connection, CloseReason::kBadVersion);
      return FrameVerdict::kEnded;
    default:
      return FrameVerdict::kNext;
  }
}

// The whole login happens on the user's shard: the connection goes there first, with this frame.
FrameVerdict ShardCore::CheckUser(Connection* connection, const SequenceStep& step,
                                  ServerSequence before) {
  const Target target = ParseTarget(step.username, server_name_);
  std::string hash;  // empty: no such user, and the check takes as long as any other
  std::string name;
  if (target.kind == TargetKind::kUser) {
    const uint32_t shard = ShardOf(target.name);
    if (shard != shard_) {
      connection->sequence = before;
      connections_.Move(connection, shard);
      return FrameVerdict::kMoveBefore;
    }
    User* user = FindOrLoad(target.name);
    if (user->state == UserState::kLoading) {
      connection->sequence = before;
      return WaitFor(user, connection);
    }
    if (user->state == UserState::kFailed) {
      connection->sequence = before;
      SendError(connection, ErrorCode::kUnavailable);
      return FrameVerdict::kNext;
    }
    name = target.name;
    hash = user->password_hash;
    if (policy_.accounts_any) {
      if (user->state == UserState::kPresent) {
        FinishLogin(connection, name, true);
        return connection->live() ? FrameVerdict::kNext : FrameVerdict::kEnded;
      }
      connections_.Hold(connection, kHoldRequest);
      AddImplicitAccount(connection, user, std::move(name));
      return FrameVerdict::kHoldAfter;
    }
  }
  // Whoever was checked a short while ago is not checked again. A wrong password takes its time.
  LoginProof proof;
  if (proofs_.enabled() && target.kind == TargetKind::kUser) {
    proof = proofs_.Prove(name, hash, step.password);
    if (!hash.empty() && proofs_.Matches(name, proof, now_ns_)) {
      counters_.logins_by_proof.Add();
      FinishLogin(connection, name, true);
      return connection->live() ? FrameVerdict::kNext : FrameVerdict::kEnded;
    }
  }
  const uint64_t ticket = next_ticket_++;
  if (!passwords_->Submit({shard_, ticket, hash, std::string(step.password)})) {
    connection->sequence = before;
    SendError(connection, ErrorCode::kUnavailable);
    return FrameVerdict::kNext;
  }
  const Handle<User> handle = users_.HandleOf(name);
  if (User* user = users_.Get(handle)) ++user->logins_pending;
  logins_.emplace(ticket, PendingLogin{connection->socket, handle, std::move(name),
                                       std::move(hash), proof});
  connections_.Hold(connection, kHoldRequest);
  return FrameVerdict::kHoldAfter;
}

void ShardCore::AddImplicitAccount(Connection* connection, User* asked, std::string name) {
  const SocketId socket = connection->socket;
  ++asked->logins_pending;
  store_->AddUser(name, "", [this, socket, name](StoreCompletion& completion) {
    User* user = users_.Find(name);
    EndLoginPending(users_.HandleOf(name));
    const bool added = completion.status == StoreStatus::kDone ||
                       completion.status == StoreStatus::kExists;
    if (added && user != nullptr && user->state == UserState::kAbsent) {
      user->state = UserState::kPresent;
    }
    Connection* waiting = connections_.Get(socket);
    if (waiting != nullptr && waiting->state == ConnectionState::kLogin) {
      FinishLogin(waiting, name, added);
    }
  });
}

void ShardCore::OnPasswordVerdict(const PasswordVerdict& verdict) {
  auto found = logins_.find(verdict.ticket);
  if (found == logins_.end()) return;
  const PendingLogin login = std::move(found->second);
  logins_.erase(found);
  // What was right when the check began may have been changed meanwhile.
  const User* user = users_.Get(login.user);
  const bool valid = verdict.matches && user != nullptr && user->state == UserState::kPresent &&
                     user->password_hash == login.password_hash;
  if (valid) proofs_.Remember(login.name, login.proof, now_ns_);
  EndLoginPending(login.user);
  Connection* connection = connections_.Get(login.socket);
  if (connection == nullptr || connection->state != ConnectionState::kLogin) return;
  FinishLogin(connection, login.name, valid);
}

void ShardCore::EndLoginPending(Handle<User> handle) {
  User* user = users_.Get(handle);
  if (user == nullptr) return;
  --user->logins_pending;
  users_.MarkIdle(handle);
}

void ShardCore::FinishLogin(Connection* connection, std::string_view name, bool valid) {
  const Handle<User> handle = users_.HandleOf(name);
  User* user = users_.Get(handle);
  valid = valid && user != nullptr && user->state == UserState::kPresent;
  const SequenceStep step = connection->sequence.UserVerdict(valid, limits_.login_tries);
  connections_.Unhold(connection, kHoldRequest);
  if (!valid) counters_.login_failures.Add();
  switch (step.action) {
    case SequenceAction::kSuccess:
      OpenSession(connection, user, handle);
      break;
    case SequenceAction::kRefuse:
      SendError(connection, step.code);
      break;
    default:
      connections_.End(connection, CloseReason::kLoginTries, step.code);
      break;
  }
}

void ShardCore::OpenSession(Connection* connection, User* user, Handle<User> handle) {
  if (user->sessions.size() >= limits_.sessions_per_user_max) {
    connections_.End(connection, CloseReason::kTooManySessions, ErrorCode::kOverLimit);
    return;
  }
  const Handle<Session> session_handle = sessions_.Create();
  Session* session = sessions_.Get(session_handle);
  session->socket = connection->socket;
  session->user = handle;
  if ((connection->features & kFeatureReceipts) != 0) {
    session->receipts = std::make_unique<Receipts>();
  }
  connection->session = session_handle;
  connection->state = ConnectionState::kOpen;
  connection->since_ms = 0;
  connections_.timers().Cancel(connection->socket.index);
  connections_.AppendFrame(connection, Success{});
  StartCatchUp(connection, session_handle, user);
  CopyUnsent(*user, connection, session);
  user->sessions.push_back(session_handle);
  for (const std::string& channel : user->channels) {
    AddToFanout(channel, connection, session_handle);
  }
  counters_.logins.Add();
  counters_.sessions_now.Set(sessions_.used_count() - peers_here_.count());
}

// --- the end of a connection ---

bool ShardCore::MayAccept(Connection* connection) {
  std::string address;
  if (connection_limits_->counts_addresses() && peer_text) {
    address = peer_text(connection->socket);
    address.resize(std::min(address.size(), address.rfind(':')));
  }
  counters_.connections_accepted.Add();
  counters_.connections_now.Set(connections_.count());
  if (draining_ || !connection_limits_->Enter(address)) {
    counters_.connections_refused.Add();
    return false;
  }
  if (!address.empty()) counted_addresses_[connection->socket.index] = std::move(address);
  return true;
}

void ShardCore::OnEnding(Connection* connection) {
  counters_.closed[static_cast<size_t>(connection->close_reason)].Add();
  if (connection->close_code != ErrorCode::kNone) {
    counters_.errors_sent[static_cast<size_t>(connection->close_code)].Add();
  }
  const Handle<Session> handle = connection->session;
  Session* session = sessions_.Get(handle);
  if (session == nullptr) return;
  if (Peer* peer = PeerOf(*session)) return OnLinkEnding(connection, peer);
  ReleaseHeldSenders(session);
  while (!session->places.empty()) LeaveFanout(session, session->places.size() - 1);
  const Handle<User> user_handle = session->user;
  if (User* user = users_.Get(user_handle)) {
    user->sessions.erase(std::remove(user->sessions.begin(), user->sessions.end(), handle),
                         user->sessions.end());
    if (user->inbox != nullptr) EndDelivery(connection, session, user);
    if (user->sessions.empty()) RescueOutput(connection, *session, user, user_handle);
    users_.MarkIdle(user_handle);
    users_.EvictIdle();
  }
  if (connection->close_reason == CloseReason::kTooSlow) connection->output.DropUnsent(&buffers_);
  sessions_.Destroy(handle);
  connection->session = {};
  counters_.sessions_now.Set(sessions_.used_count() - peers_here_.count());
  counters_.users_now.Set(users_.count());
}

void ShardCore::OnFreed(Connection* connection) {
  const bool moving = connection->state == ConnectionState::kMoving;
  if (connection->close_reason == CloseReason::kTooManyConnections) {
    counters_.closed[static_cast<size_t>(CloseReason::kTooManyConnections)].Add();
  } else if (!moving && !connection->dialled) {
    auto found = counted_addresses_.find(connection->socket.index);
    connection_limits_->Leave(found == counted_addresses_.end() ? std::string_view()
                                                                : found->second);
  }
  counted_addresses_.erase(connection->socket.index);
  counters_.connections_now.Set(connections_.count() - 1);
}

// --- hand-over ---

void ShardCore::MailHandOver(Connection* connection, uint64_t native_handle) {
  const HandOver hand_over{native_handle, connection->sequence, connection->features,
                           connection->since_ms,
                           mailboxes_.moving_tls().Put(std::move(connection->tls))};
  const auto found = counted_addresses_.find(connection->socket.index);
  const std::string_view address =
      found == counted_addresses_.end() ? std::string_view() : std::string_view(found->second);
  MailHeader header;
  header.type = MailType::kHandOver;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&hand_over);
  mailboxes_.Post(connection->move_to, MailClass::kRequest, header, address,
                  Bytes(bytes, sizeof(hand_over)), Bytes(connection->held, connection->held_size));
}

void ShardCore::OnHandOver(const Mail& mail) {
  Arrival arrival;
  std::memcpy(static_cast<void*>(&arrival.state), mail.rest.data(), sizeof(HandOver));
  arrival.tls = mailboxes_.moving_tls().Take(arrival.state.tls);
  arrival.address = mail.text;
  arrival.input = AsString(mail.rest.subspan(sizeof(HandOver)));
  arrivals_.push_back(std::move(arrival));
}

void ShardCore::Arrive(Connection* connection, const Arrival& arrival) {
  connection->sequence = arrival.state.sequence;
  connection->features = arrival.state.features;
  if (!arrival.address.empty()) {
    counted_addresses_[connection->socket.index] = arrival.address;
  }
  counters_.hand_overs.Add();
  counters_.connections_now.Set(connections_.count());
  if (draining_) {
    connections_.End(connection, CloseReason::kShuttingDown, ErrorCode::kShuttingDown);
  }
}

}  // namespace solec

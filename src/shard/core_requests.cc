// Requests, by payloads of the extension or by lines to the service address: both end up here.

#include <algorithm>
#include <ctime>

#include "shard/shard_core.h"

namespace solec {

// A list pauses while this much output waits.
static constexpr uint64_t kListOutputBytes = 64 * 1024;

static bool IsList(RequestKind kind) {
  return kind == RequestKind::kListContacts || kind == RequestKind::kListChannels ||
         kind == RequestKind::kListMembers || kind == RequestKind::kHistory;
}

FrameVerdict ShardCore::OnRequestFrame(Connection* connection, Session* session,
                                       const Frame& frame) {
  auto decoded = [&](auto* payload) {
    return Decode(frame.payload, payload) == DecodeError::kNone;
  };
  // The asker may name itself in Join and Leave, and nobody else.
  auto change = [&](RequestKind kind, const auto& payload) {
    const Target user = ParseTarget(payload.user, server_name_);
    const bool self = payload.user.empty() || (user.kind == TargetKind::kUser &&
                                               user.name == users_.Get(session->user)->name);
    return StartRequest(connection, session, kind, payload.tag, self ? payload.channel : "");
  };
  switch (frame.type) {
    case PayloadType::kPing: {
      Ping ping;
      if (!decoded(&ping)) return Malformed(connection);
      connections_.AppendFrame(connection, Pong{ping.token});
      CheckOutput(connection);
      return FrameVerdict::kNext;
    }
    case PayloadType::kJoin: {
      Join join;
      if (!decoded(&join)) return Malformed(connection);
      return change(RequestKind::kJoin, join);
    }
    case PayloadType::kLeave: {
      Leave leave;
      if (!decoded(&leave)) return Malformed(connection);
      return change(RequestKind::kLeave, leave);
    }
    case PayloadType::kContactAdd: {
      ContactAdd add;
      if (!decoded(&add)) return Malformed(connection);
      return StartRequest(connection, session, RequestKind::kContactAdd, add.tag, add.address);
    }
    case PayloadType::kContactRemove: {
      ContactRemove remove;
      if (!decoded(&remove)) return Malformed(connection);
      return StartRequest(connection, session, RequestKind::kContactRemove, remove.tag,
                          remove.address);
    }
    case PayloadType::kList: {
      List list;
      if (!decoded(&list)) return Malformed(connection);
      RequestKind kind = RequestKind::kUnknown;
      if (list.kind == ListKind::kContacts) kind = RequestKind::kListContacts;
      if (list.kind == ListKind::kChannels) kind = RequestKind::kListChannels;
      if (list.kind == ListKind::kMembers) kind = RequestKind::kListMembers;
      return StartRequest(connection, session, kind, list.tag, list.of);
    }
    case PayloadType::kPong: {
      Pong pong;
      return decoded(&pong) ? FrameVerdict::kNext : Malformed(connection);
    }
    case PayloadType::kAccepted: {
      Accepted accepted;
      if (!decoded(&accepted)) return Malformed(connection);
      OnAccepted(connection, session, accepted.up_to);
      return FrameVerdict::kNext;
    }
    case PayloadType::kRejected: {
      Rejected rejected;
      return decoded(&rejected) ? FrameVerdict::kNext : Malformed(connection);
    }
    case PayloadType::kHistoryRequest: {
      HistoryRequest request;
      if (!decoded(&request)) return Malformed(connection);
      return OnHistoryRequest(connection, session, request);
    }
    default:
      connections_.End(connection, CloseReason::kNotAllowed, ErrorCode::kNotAllowed);
      return FrameVerdict::kEnded;
  }
}

FrameVerdict ShardCore::StartRequest(Connection* connection, Session* session, RequestKind kind,
                                     uint16_t tag, std::string_view address) {
  session->request = std::make_unique<PendingRequest>();
  session->request->kind = kind;
  session->request->tag = tag;
  session->request->address = address;
  connections_.Hold(connection, kHoldRequest);
  RunRequest(connection->session);
  return FrameVerdict::kHoldAfter;
}

void ShardCore::RunRequest(Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  User* user = users_.Get(session->user);
  const PendingRequest& request = *session->request;
  const Target target = ParseTarget(request.address, server_name_);
  switch (request.kind) {
    case RequestKind::kJoin:
    case RequestKind::kLeave:
      RunMembership(session, user, target, request.kind == RequestKind::kJoin);
      break;
    case RequestKind::kContactAdd:
    case RequestKind::kContactRemove:
      RunContact(handle, user, target, request.kind == RequestKind::kContactAdd);
      break;
    case RequestKind::kListContacts:
    case RequestKind::kListChannels:
      RunList(handle);
      break;
    case RequestKind::kListMembers:
      if (target.kind == TargetKind::kChannel) RunList(handle);
      else FinishRequest(handle, ErrorCode::kNotFound);
      break;
    case RequestKind::kHistory:
      StartHistory(handle, *user, target);
      break;
    case RequestKind::kHelp:
    case RequestKind::kUnknown:
      FinishRequest(handle, ErrorCode::kNotFound);
      break;
  }
}

void ShardCore::RunMembership(Session* session, User* user, const Target& target, bool join) {
  const Handle<Session> handle = connections_.Get(session->socket)->session;
  const bool foreign = target.kind == TargetKind::kOtherServer && target.name.starts_with('#');
  const std::string channel =
      foreign ? FormatAddress(target.name, target.server) : std::string(target.name);
  const bool member = user->channels.contains(channel);
  if ((target.kind != TargetKind::kChannel && !foreign) || (!join && !member)) {
    return FinishRequest(handle, ErrorCode::kNotFound);
  }
  if (join && !member && user->channels.size() >= limits_.channels_per_user_max) {
    return FinishRequest(handle, ErrorCode::kOverLimit);
  }
  MailHeader header;
  header.type = join ? MailType::kJoin : MailType::kLeave;
  header.shard = static_cast<uint16_t>(shard_);
  header.session = handle;
  PostOrTake(HomeOfChannel(channel), MailClass::kRequest, header,
             channel + '\0' + FullAddress(user->name));
}

// --- contacts ---

void ShardCore::RunContact(Handle<Session> handle, User* user, const Target& target, bool add) {
  const bool is_user = target.kind == TargetKind::kUser ||
                       (target.kind == TargetKind::kOtherServer && !target.name.starts_with('#'));
  if (!is_user) return FinishRequest(handle, ErrorCode::kNotFound);
  std::string address = FormatAddress(
      target.name, target.kind == TargetKind::kUser ? std::string_view(server_name_)
                                                    : target.server);
  const bool has = user->HasContact(address);
  if (!add && !has) return FinishRequest(handle, ErrorCode::kNotFound);
  if (add && !has && user->contacts.size() >= limits_.contacts_per_user_max) {
    return FinishRequest(handle, ErrorCode::kOverLimit);
  }
  ChangeContact(sessions_.Get(handle)->user, std::move(address), add,
                [this, handle](ErrorCode code) { FinishRequest(handle, code); });
}

void ShardCore::ChangeContact(Handle<User> handle, std::string address, bool add,
                              absl::AnyInvocable<void(ErrorCode)> after_change) {
  User* user = users_.Get(handle);
  const std::string name = user->name;
  const auto known = user->contacts.find(address);
  const bool agreed = known != user->contacts.end() && known->second;
  StoreDone done = [this, handle, address, add, after = std::move(after_change)](
                       StoreCompletion& completion) mutable {
    User* changed = users_.Get(handle);
    if (completion.status != StoreStatus::kDone || changed == nullptr) {
      return after(ErrorCode::kUnavailable);
    }
    ++changed->version;
    if (add) changed->contacts.try_emplace(address, false);
    else changed->contacts.erase(address);
    const std::string_view contact = OwnName(address);
    if (!contact.empty()) {
      MailHeader header;
      header.type = MailType::kContactNotice;
      header.code = add ? 1 : 0;
      const std::string text = std::string(contact) + '\0' + FullAddress(changed->name);
      PostOrTake(ShardOf(contact), MailClass::kRequest, header, text);
    }
    after(ErrorCode::kNone);
  };
  if (add) store_->PutContact(name, address, agreed, std::move(done));
  else store_->RemoveContact(name, address, std::move(done));
}

// `address` has added this user to its contacts, or removed it.
void ShardCore::OnContactNotice(std::string_view user_name, std::string_view address, bool added) {
  const User* user = users_.Find(user_name);
  const bool has = user->state == UserState::kPresent && user->HasContact(address);
  if (has) OnContactAgreed(user_name, address, added);
  const std::string_view other = OwnName(address);
  if (!added || other.empty()) return;
  MailHeader header;
  header.type = MailType::kContactAgreed;
  header.flags = has ? 1 : 0;
  const std::string text = std::string(other) + '\0' + FullAddress(user_name);
  PostOrTake(ShardOf(other), MailClass::kAnswer, header, text);
}

void ShardCore::OnContactAgreed(std::string_view user_name, std::string_view address, bool agreed) {
  User* user = users_.Find(user_name);
  if (user == nullptr) return;
  const auto contact = user->contacts.find(address);
  if (contact == user->contacts.end() || contact->second == agreed) return;
  contact->second = agreed;
  store_->PutContact(user_name, address, agreed, [](StoreCompletion&) {});
}

// --- lists ---

void ShardCore::RunList(Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  PendingRequest& request = *session->request;
  const User* user = users_.Get(session->user);
  Connection* connection = connections_.Get(session->socket);
  auto wait = [&] { return ListHasToWait(session, connection); };
  if (request.kind == RequestKind::kListMembers) {
    if (wait()) return;
    const Target target = ParseTarget(request.address, server_name_);
    MailHeader header;
    header.type = MailType::kListMembers;
    header.shard = static_cast<uint16_t>(shard_);
    header.session = handle;
    std::string text(target.name);
    text.append(1, '\0').append(FullAddress(user->name)).append(1, '\0').append(request.cursor);
    PostOrTake(ShardOf(target.name), MailClass::kRequest, header, text);
    return;
  }
  if (request.kind == RequestKind::kListContacts) {
    auto at = user->contacts.upper_bound(request.cursor);
    for (; at != user->contacts.end(); ++at) {
      if (wait()) return;
      AddListItem(session, at->first, at->second ? kListItemAgreed : uint8_t{0});
      request.cursor = at->first;
    }
  } else {
    auto at = user->channels.upper_bound(request.cursor);
    for (; at != user->channels.end(); ++at) {
      if (wait()) return;
      const bool foreign = at->find('@') != std::string::npos;
      AddListItem(session, foreign ? *at : FullAddress(*at), kListItemAgreed);
      request.cursor = *at;
    }
  }
  FinishRequest(handle, ErrorCode::kNone);
}

bool ShardCore::ListHasToWait(Session* session, Connection* connection) {
  session->request->list_waits = connection->output.byte_count() >= kListOutputBytes;
  if (session->request->list_waits) connection->drained_wanted = true;
  return session->request->list_waits;
}

void ShardCore::AddListItem(Session* session, std::string_view address, uint8_t flags) {
  PendingRequest& request = *session->request;
  const bool first = request.list_items++ == 0;
  if (!request.by_service) {
    connections_.AppendFrame(connections_.Get(session->socket),
                             ListItem{request.tag, address, flags});
    return;
  }
  if (first) request.answer.append(ServiceListHead(request.command));
  if (request.AnswerIsFull()) {
    if (!request.answer.ends_with("...")) request.answer.append(", ...");
    return;
  }
  if (!first) request.answer.append(", ");
  request.answer.append(ServiceListItem(request.kind, address, flags));
}

// --- answers ---

void ShardCore::FinishRequest(Handle<Session> handle, ErrorCode code) {
  Session* session = sessions_.Get(handle);
  if (session == nullptr || session->request == nullptr) return;
  PendingRequest& request = *session->request;
  counters_.requests.Add();
  if (request.by_service) {
    if (!IsList(request.kind) || code != ErrorCode::kNone) {
      request.answer.append(ServiceAnswer(request.command, code));
    } else if (request.list_items == 0) {
      request.answer.append(ServiceListHead(request.command)).append("none");
    }
    RunNextServiceLine(handle);
    return;
  }
  Connection* connection = connections_.Get(session->socket);
  if (code != ErrorCode::kNone) counters_.errors_sent[static_cast<size_t>(code)].Add();
  connections_.AppendFrame(connection, Result{request.tag, code});
  session->request.reset();
  connections_.Unhold(connection, kHoldRequest);
}

void ShardCore::RunNextServiceLine(Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  PendingRequest& request = *session->request;
  const bool more = request.line_count == 0 || !request.lines.empty();
  if (more && request.line_count < kServiceLinesMax) {
    if (request.line_count++ != 0) request.answer.append("\n");
    std::string_view rest = request.lines;
    request.line = TakeLine(&rest);
    request.lines.erase(0, request.lines.size() - rest.size());
    request.command = ParseServiceLine(request.line);
    request.kind = request.command.kind;
    request.address = request.command.argument;
    request.cursor.clear();
    request.list_items = 0;
    RunRequest(handle);
    return;
  }
  if (more) request.answer.append("\ntoo many lines; the rest was not carried out");
  if (request.answer.size() > kContentBytesMax) {
    size_t size = kContentBytesMax;
    while ((static_cast<uint8_t>(request.answer[size]) & 0xC0) == 0x80) --size;
    request.answer.resize(size);
  }
  const User* user = users_.Get(session->user);
  const std::string from = FullAddress(kServiceName), to = FullAddress(user->name);
  Connection* connection = connections_.Get(session->socket);
  connections_.AppendFrame(
      connection, Message{from, to, {static_cast<uint64_t>(std::time(nullptr))}, request.answer});
  ++connection->message_count;
  CheckOutput(connection);
  session->request.reset();
  connections_.Unhold(connection, kHoldRequest);
}

}  // namespace solec

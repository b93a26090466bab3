// Histories: what the store has of a chat, a channel, or all that was sent to a user; in pages, as
// fast as the output leaves.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

static constexpr uint64_t kPageBytes = 64 * 1024;
// What a line to the service address gives if it does not say how many, and at most.
static constexpr uint64_t kServiceItems = 20, kServiceItemsMax = 100;

FrameVerdict ShardCore::OnHistoryRequest(Connection* connection, Session* session,
                                         const HistoryRequest& wanted) {
  session->request = std::make_unique<PendingRequest>();
  PendingRequest& request = *session->request;
  request.kind = RequestKind::kHistory;
  request.tag = wanted.tag;
  request.address = wanted.address;
  request.after = wanted.after;
  request.remaining = wanted.limit == 0 ? kHistoryLimitDefault
                                        : std::min<uint64_t>(wanted.limit, kHistoryLimitMax);
  connections_.Hold(connection, kHoldRequest);
  RunRequest(connection->session);
  return FrameVerdict::kHoldAfter;
}

void ShardCore::StartHistory(Handle<Session> handle, const User& user, const Target& target) {
  Session* session = sessions_.Get(handle);
  PendingRequest& request = *session->request;
  if (!store_->KeepsAll()) return FinishRequest(handle, ErrorCode::kNotAllowed);
  if (request.by_service) {
    const uint64_t count = request.command.count == 0 ? kServiceItems : request.command.count;
    request.remaining = std::min(count, kServiceItemsMax);
    request.newest = true;
    request.after = 0;
  }
  // A channel's is for its members. A chat is the asker's own, whoever is still a contact.
  const bool member =
      target.kind == TargetKind::kChannel && user.channels.contains(target.name);
  const bool chat = target.kind == TargetKind::kUser ||
                    (target.kind == TargetKind::kOtherServer && !target.name.starts_with('#'));
  if (!request.address.empty() && !member && !chat) {
    return FinishRequest(handle, ErrorCode::kNotFound);
  }
  RunHistory(handle);
}

void ShardCore::RunHistory(Handle<Session> handle) {
  Session* session = sessions_.Get(handle);
  PendingRequest& request = *session->request;
  if (ListHasToWait(session, connections_.Get(session->socket))) return;
  const User* user = users_.Get(session->user);
  const Target target = ParseTarget(request.address, server_name_);
  HistoryQuery query;
  query.user = user->name;
  if (request.address.empty()) {
    query.kind = HistoryQuery::Kind::kEverything;
    query.channels.assign(user->channels.begin(), user->channels.end());
  } else if (target.kind == TargetKind::kChannel) {
    query.kind = HistoryQuery::Kind::kChannel;
    query.with = target.name;
  } else {
    query.with = target.kind == TargetKind::kOtherServer
                     ? FormatAddress(target.name, target.server)
                     : std::string(target.name);
  }
  query.after = request.after;
  query.limit = request.remaining;
  query.newest = request.newest;
  query.bytes_max = request.newest ? PendingRequest::kServiceAnswerBytes : kPageBytes;
  store_->ReadHistory(query, [this, handle](StoreCompletion& completion) {
    OnHistoryPage(handle, completion);
  });
}

void ShardCore::OnHistoryPage(Handle<Session> handle, StoreCompletion& completion) {
  Session* session = sessions_.Get(handle);
  if (session == nullptr || session->request == nullptr) return;
  const auto* page = std::get_if<HistoryPage>(&completion.value);
  if (completion.status != StoreStatus::kDone || page == nullptr) {
    return FinishRequest(handle, ErrorCode::kUnavailable);
  }
  PendingRequest& request = *session->request;
  const bool first = request.after == 0 && request.list_items == 0;
  for (Bytes items = AsBytes(page->items); !items.empty();) {
    const auto position = LoadBig<uint64_t>(items.data());
    const size_t size = LoadBig<uint32_t>(items.data() + 8);
    AddHistoryItem(session, position, items.subspan(12, size));
    items = items.subspan(12 + size);
  }
  request.remaining -= std::min<uint64_t>(request.remaining, page->count);
  request.after = page->last_position;
  if (page->more && request.remaining != 0 && !request.newest) return RunHistory(handle);
  // Somebody with whom this user never had to do is like nobody.
  const Target target = ParseTarget(request.address, server_name_);
  const bool stranger = first && page->count == 0 && target.kind != TargetKind::kChannel &&
                        !request.address.empty() && !policy_.contacts_open &&
                        !users_.Get(session->user)->HasContact(FormatAddress(
                            target.name, target.kind == TargetKind::kUser
                                             ? std::string_view(server_name_)
                                             : target.server));
  FinishRequest(handle, stranger ? ErrorCode::kNotFound : ErrorCode::kNone);
}

void ShardCore::AddHistoryItem(Session* session, uint64_t position, Bytes payload) {
  PendingRequest& request = *session->request;
  ++request.list_items;
  if (!request.by_service) {
    // The four fields of the Message follow as they are.
    constexpr size_t kFieldsBefore = sizeof(uint16_t) + sizeof(uint64_t);
    const size_t size = kFieldsBefore + payload.size();
    if (size > kPayloadBytesMax) return;  // cannot be: contents are smaller
    uint8_t* at = connections_.Append(connections_.Get(session->socket), kFrameHeaderSize + size);
    *at = static_cast<uint8_t>(PayloadType::kHistoryItem);
    StoreBig(at + 1, static_cast<uint16_t>(size));
    StoreBig(at + kFrameHeaderSize, request.tag);
    StoreBig(at + kFrameHeaderSize + sizeof(uint16_t), position);
    std::memcpy(at + kFrameHeaderSize + kFieldsBefore, payload.data(), payload.size());
    return;
  }
  MessageView message;
  if (!ParseMessage(payload, &message)) return;
  if (request.list_items == 1) request.answer.append(ServiceListHead(request.command));
  else request.answer.append(" | ");
  request.answer.append(ServiceHistoryItem(message.source, message.content));
}

}  // namespace solec

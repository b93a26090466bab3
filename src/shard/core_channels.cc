// Channels: the owner's side (members, order, batches), and each shard's side (who is connected).

#include <algorithm>

#include "net/shared_bytes.h"
#include "shard/shard_core.h"

namespace solec {

// More than this is in no batch, unless it is one large message or what came in one mail: a batch
// has to fit into a mailbox.
static constexpr size_t kBatchBytes = 16 * 1024;
static constexpr size_t kMembersPerPage = 64;

// --- messages ---

void ShardCore::SendToChannel(Channel* channel, Handle<Channel> handle, const FrameParts& frame,
                              const Origin& origin) {
  const bool keeps_all = store_->KeepsAll();
  const bool from_user = origin.kind == OriginKind::kSession;
  // A peer sends again what could not be kept: it would be delivered each time.
  if (keeps_all && store_->IsFull() && !(policy_.deliver_when_full && from_user)) {
    return Settle(origin, ErrorCode::kUnavailable, frame.count);
  }
  if (channel->batch != nullptr && channel->batch->size() + frame.size() > kBatchBytes) {
    FlushChannel(channel);
  }
  if (channel->batch == nullptr) {
    channel->batch = SharedBytes::Create(&buffers_, std::max(frame.size(), kBatchBytes));
    dirty_channels_.push_back(handle);
  }
  SharedBytes* batch = channel->batch;
  frame.CopyTo(batch->data() + batch->size());
  batch->Grow(static_cast<uint32_t>(frame.size()));
  const uint64_t number = keeps_all || !from_user ? origin.number : 0;
  const BatchOrigin* last = channel->origins.empty() ? nullptr : &channel->origins.back();
  if (last == nullptr || last->shard != origin.shard || last->session != origin.session ||
      (number != 0 && last->number + last->count != number)) {
    channel->origins.push_back({origin.shard, origin.kind, origin.session, 0, 0, number});
  }
  channel->origins.back().size += static_cast<uint32_t>(frame.size());
  channel->origins.back().count += frame.count;
  if (!keeps_all && from_user) Settle(origin, ErrorCode::kNone, frame.count);
}

void ShardCore::FlushChannel(Channel* channel) {
  SharedBytes* batch = std::exchange(channel->batch, nullptr);
  if (batch == nullptr) return;
  KeepChannel(*channel, Bytes(batch->data(), batch->size()));
  if (Fanout* fanout = fanouts_.Find(channel->name)) FanOut(fanout, batch, channel->origins);
  const Bytes origins(reinterpret_cast<const uint8_t*>(channel->origins.data()),
                      channel->origins.size() * sizeof(BatchOrigin));
  for (uint32_t shard = 0; shard < shard_count_; ++shard) {
    if (shard == shard_ || channel->members_by_shard[shard] == 0) continue;
    MailHeader header;
    header.type = MailType::kChannelBatch;
    header.count = static_cast<uint32_t>(channel->origins.size());
    mailboxes_.Post(shard, MailClass::kAnswer, header, channel->name, origins,
                    Bytes(batch->data(), batch->size()));
    counters_.mail_sent.Add();
  }
  channel->origins.clear();
  batch->Unref();
}

// The batch goes into the channel's history, and into the spools of the servers that have members;
// receipts follow when it is there.
void ShardCore::KeepChannel(const Channel& channel, Bytes batch) {
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kChannel;
  std::vector<std::string_view>& peers = batch_peers_;
  std::vector<ReceivedMessages>& received = batch_received_;
  peers.clear();
  received.clear();
  for (const auto& [peer, count] : channel.members_by_peer) {
    if (peers_.contains(peer)) peers.push_back(peer);
  }
  size_t place = 0;
  bool from_links = false;
  for (const BatchOrigin& origin : channel.origins) {
    from_links = from_links || origin.kind != OriginKind::kSession;
    if (origin.kind == OriginKind::kStream) {
      received.push_back({PeerOfFrame(batch.subspan(place)), origin.number, origin.count});
    }
    place += origin.size;
  }
  if (!store_->KeepsAll() && peers.empty() && !from_links) return;
  for (const BatchOrigin& origin : channel.origins) {
    ticket.count += origin.count;
    if (origin.number == 0) continue;
    ticket.number = origin.number;
    ++ticket.ordinal;  // how many of kept_origins_ are this ticket's
    kept_origins_.push_back(origin);
  }
  store_->KeepChannel(channel.name, batch, peers, received, ticket);
}

void ShardCore::FanOut(Fanout* fanout, SharedBytes* bytes,
                       const std::vector<BatchOrigin>& origins) {
  uint64_t count = 0;
  for (const BatchOrigin& origin : origins) count += origin.count;
  uint64_t delivered = 0;
  for (const FanoutMember& member : fanout->members) {
    delivered += FanOutTo(member, bytes, origins, count);
  }
  counters_.messages_delivered.Add(delivered);
}

// All `count` messages but those that came from the member's own session; returns how many.
uint64_t ShardCore::FanOutTo(const FanoutMember& member, SharedBytes* bytes,
                             const std::vector<BatchOrigin>& origins, uint64_t count) {
  Connection* to = connections_.Get(member.socket);
  uint32_t begin = 0, end = 0;
  auto send = [&] { SendShared(to, member.session, bytes, begin, end); };
  for (const BatchOrigin& origin : origins) {
    if (origin.shard == shard_ && origin.session == member.session) {
      send();
      begin = end + origin.size;
      count -= origin.count;
    }
    end += origin.size;
  }
  send();
  if (!to->output_deferred) to->message_count += count;
  CheckOutput(to);
  if (to->output.byte_count() >= output_high_) {
    for (const BatchOrigin& origin : origins) {
      if (origin.kind == OriginKind::kSession) HoldSenderOf(to, origin.shard, origin.session);
    }
  }
  return count;
}

void ShardCore::SendShared(Connection* to, Handle<Session> session, SharedBytes* bytes,
                           uint32_t begin, uint32_t end) {
  if (end == begin) return;
  if (to->output_deferred) [[unlikely]] {
    Defer(to, sessions_.Get(session), Bytes(bytes->data() + begin, end - begin));
  } else {
    connections_.AppendShared(to, bytes, begin, end - begin);
  }
}

// --- who is connected ---

void ShardCore::AddToFanout(std::string_view channel, Connection* connection,
                            Handle<Session> handle) {
  Handle<Fanout> fanout_handle = fanouts_.HandleOf(channel);
  if (!fanout_handle.valid()) fanout_handle = fanouts_.Create(channel);
  Session* session = sessions_.Get(handle);
  for (const FanoutPlace& place : session->places) {
    if (place.fanout == fanout_handle) return;
  }
  Fanout* fanout = fanouts_.Get(fanout_handle);
  session->places.push_back({fanout_handle, static_cast<uint32_t>(fanout->members.size())});
  fanout->members.push_back({connection->socket, handle});
}

void ShardCore::RemoveFromFanout(Session* session, Handle<Session>, std::string_view channel) {
  const Handle<Fanout> fanout = fanouts_.HandleOf(channel);
  for (size_t i = 0; i < session->places.size(); ++i) {
    if (session->places[i].fanout != fanout) continue;
    LeaveFanout(session, i);
    return;
  }
}

void ShardCore::LeaveFanout(Session* session, size_t place_index) {
  const FanoutPlace place = session->places[place_index];
  session->places[place_index] = session->places.back();
  session->places.pop_back();
  Fanout* fanout = fanouts_.Get(place.fanout);
  // The last member takes the place that is free.
  if (place.index + 1 != fanout->members.size()) {
    fanout->members[place.index] = fanout->members.back();
    for (FanoutPlace& moved : sessions_.Get(fanout->members[place.index].session)->places) {
      if (moved.fanout == place.fanout) moved.index = place.index;
    }
  }
  fanout->members.pop_back();
  if (fanout->members.empty()) fanouts_.Destroy(place.fanout);
}

// --- membership ---

void ShardCore::ChangeMembership(std::string_view channel_name, std::string_view address, bool join,
                                 uint32_t answer_to, MailHeader answer) {
  Channel* channel = FindOrLoadChannel(channel_name);
  answer.type = MailType::kMembership;
  answer.flags = static_cast<uint8_t>((answer.flags & kMembershipOfPeer) | (join ? 1 : 0));
  const bool foreign = OwnName(address).empty();
  auto finish = [&](ErrorCode code) {
    FinishMembership(answer_to, answer, channel_name, address, code);
  };
  if (channel->state == ChannelState::kFailed) return finish(ErrorCode::kUnavailable);
  const bool present = channel->state == ChannelState::kPresent;
  const bool member = present && channel->members.contains(address);
  if (join && member) return finish(ErrorCode::kNone);
  if (!join && !member) return finish(ErrorCode::kNotFound);
  if (join && !present && (foreign || !policy_.channels_by_users)) {
    return finish(ErrorCode::kNotFound);
  }
  if (join && channel->members.size() >= limits_.members_per_channel_max) {
    return finish(ErrorCode::kOverLimit);
  }
  FlushChannel(channel);  // what came before goes to those who were members then
  ++channel->version;
  const std::string channel_text(channel_name), address_text(address);
  if (!join) {
    channel->members.erase(address_text);
    --resident_members_;
    CountMember(channel, address, false);
    store_->RemoveMember(channel_name, address, [=, this](StoreCompletion& completion) {
      const bool done = completion.status == StoreStatus::kDone ||
                        completion.status == StoreStatus::kNotFound;
      Channel* changed = channels_.Find(channel_text);
      if (!done && changed != nullptr && changed->state == ChannelState::kPresent &&
          changed->members.insert(address_text).second) {
        CountMember(changed, address_text, true);
        ++resident_members_;
        ++changed->version;
      }
      FinishMembership(answer_to, answer, channel_text, address_text,
                       done ? ErrorCode::kNone : ErrorCode::kUnavailable);
    });
    return;
  }
  if (!present) {
    SetPresent(channel, channels_.HandleOf(channel_name));
    store_->AddChannel(channel_name, [](StoreCompletion&) {});  // if it fails, so does PutMember
  }
  channel->members.insert(address_text);
  ++resident_members_;
  CountMember(channel, address, true);
  store_->PutMember(channel_name, address, [=, this](StoreCompletion& completion) {
    ErrorCode code = ErrorCode::kNone;
    Channel* changed = channels_.Find(channel_text);
    if (completion.status != StoreStatus::kDone) {
      code = ErrorCode::kUnavailable;
      if (changed != nullptr && changed->members.erase(address_text) != 0) {
        CountMember(changed, address_text, false);
        --resident_members_;
        ++changed->version;
      }
      if (changed != nullptr && completion.status == StoreStatus::kNotFound) {
        SetAbsent(changed, channels_.HandleOf(channel_text));
      }
    }
    FinishMembership(answer_to, answer, channel_text, address_text, code);
  });
}

void ShardCore::FinishMembership(uint32_t to, MailHeader answer, std::string_view channel,
                                 std::string_view address, ErrorCode code) {
  answer.code = static_cast<uint8_t>(code);
  const std::string text = std::string(channel) + '\0' + std::string(OwnName(address));
  PostOrTake(to, MailClass::kAnswer, answer, text);
}

// Where the batches have to go.
void ShardCore::CountMember(Channel* channel, std::string_view address, bool joined) {
  const std::string_view name = OwnName(address);
  if (!name.empty()) {
    uint32_t& count = channel->members_by_shard[ShardOf(name)];
    count = joined ? count + 1 : count - 1;
    return;
  }
  const std::string peer(address.substr(address.find('@') + 1));
  uint32_t& count = channel->members_by_peer[peer];
  count = joined ? count + 1 : count - 1;
  if (count == 0) channel->members_by_peer.erase(peer);
}

void ShardCore::OnMembership(const MailHeader& header, std::string_view channel,
                             std::string_view user_name) {
  if ((header.flags & kMembershipOfPeer) != 0) return AnswerPeerRequest(header);
  if (static_cast<ErrorCode>(header.code) != ErrorCode::kNone) {
    return AnswerMembership(header, static_cast<ErrorCode>(header.code));
  }
  const bool join = (header.flags & 1) != 0;
  if (User* user = users_.Find(user_name); user != nullptr && user->state == UserState::kPresent) {
    ++user->version;
    if (join) user->channels.insert(std::string(channel));
    else user->channels.erase(std::string(channel));
    for (const Handle<Session> handle : user->sessions) {
      Session* session = sessions_.Get(handle);
      if (join) AddToFanout(channel, connections_.Get(session->socket), handle);
      else RemoveFromFanout(session, handle, channel);
    }
  }
  // Answered once the user's own list has it too.
  StoreDone done = [this, header](StoreCompletion& completion) {
    const bool stored = completion.status == StoreStatus::kDone ||
                        completion.status == StoreStatus::kNotFound;
    AnswerMembership(header, stored ? ErrorCode::kNone : ErrorCode::kUnavailable);
  };
  if (join) store_->PutJoined(user_name, channel, std::move(done));
  else store_->RemoveJoined(user_name, channel, std::move(done));
}

void ShardCore::AnswerMembership(const MailHeader& header, ErrorCode code) {
  if (header.number == 0) return FinishRequest(header.session, code);
  auto asked = memberships_asked_.find(header.number);
  if (asked == memberships_asked_.end()) return;
  ControlDone done = std::move(asked->second);
  memberships_asked_.erase(asked);
  done({code == ErrorCode::kNone        ? ControlStatus::kDone
        : code == ErrorCode::kOverLimit ? ControlStatus::kOverLimit
        : code == ErrorCode::kNotFound  ? ControlStatus::kNotFound
                                        : ControlStatus::kUnavailable,
        {}});
}

// --- lists of members ---

// A page is a run of: a byte of flags, an address, a zero byte. `flags` bit 1 of the mail: there is
// more. `count`: shards that have marked who is online.
void ShardCore::SendMembersPage(std::string_view channel_name, std::string_view asker,
                                std::string_view after, MailHeader answer) {
  const Channel* channel = FindOrLoadChannel(channel_name);
  answer.type = MailType::kMembers;
  answer.count = 0;
  answer.flags = 0;
  std::string page;
  if (channel->state != ChannelState::kPresent || !channel->members.contains(asker)) {
    answer.code = static_cast<uint8_t>(ErrorCode::kNotFound);
  } else {
    auto member = after.empty() ? channel->members.begin() : channel->members.upper_bound(after);
    for (size_t i = 0; i < kMembersPerPage && member != channel->members.end(); ++i, ++member) {
      page.append(1, '\0').append(*member).append(1, '\0');
    }
    if (member != channel->members.end()) answer.flags = 2;
  }
  OnMembersPage(answer, channel_name, std::move(page));
}

void ShardCore::OnMembersPage(MailHeader header, std::string_view channel, std::string page) {
  if (header.count < shard_count_) {
    for (size_t at = 0; at < page.size();) {
      const std::string_view address(page.c_str() + at + 1);
      const User* user = users_.Find(OwnName(address));
      if (user != nullptr && !user->sessions.empty()) page[at] = 1;
      at += address.size() + 2;
    }
    ++header.count;
    const uint32_t next =
        header.count < shard_count_ ? (shard_ + 1) % shard_count_ : uint32_t{header.shard};
    PostOrTake(next, MailClass::kAnswer, header, channel, AsBytes(page));
    return;
  }
  Session* session = sessions_.Get(header.session);
  if (session == nullptr || session->request == nullptr) return;
  for (size_t at = 0; at < page.size();) {
    const std::string_view address(page.c_str() + at + 1);
    AddListItem(session, address, page[at] != 0 ? kListItemAgreed : uint8_t{0});
    session->request->cursor = address;
    at += address.size() + 2;
  }
  const auto code = static_cast<ErrorCode>(header.code);
  const bool more = (header.flags & 2) != 0 && !session->request->AnswerIsFull();
  if (code == ErrorCode::kNone && more) RunList(header.session);
  else FinishRequest(header.session, code);
}

}  // namespace solec

// What comes from elsewhere: mails of other shards, completions of the store, verdicts on
// passwords.

#include "shard/shard_core.h"

namespace solec {

// Mails of one ring and class that one turn takes in.
static constexpr size_t kMailsPerTurn = 4'096;
// Mails that may wait for users and channels that are being loaded; beyond it no more requests are
// taken in.
static constexpr size_t kPendingMailMax = 4 << 20;

// What the store was asked for before it knows of a change does not hold the change: the change
// comes after.
static bool IsLoading(const User* user) {
  return user != nullptr && user->state == UserState::kLoading;
}

bool ShardCore::TakeIn() {
  bool any = store_->Poll();
  if (!waiting_for_store_.empty() && store_->HasRoom()) {
    for (const SocketId socket : std::exchange(waiting_for_store_, {})) {
      if (Connection* connection = connections_.Get(socket)) {
        connections_.Unhold(connection, kHoldStore);
      }
    }
    any = true;
  }
  passwords_->Poll(shard_, &verdicts_);
  for (const PasswordVerdict& verdict : std::exchange(verdicts_, {})) {
    OnPasswordVerdict(verdict);
    any = true;
  }
  if (resolver_ != nullptr) resolver_->Poll(shard_, &resolved_);
  for (const ResolveAnswer& answer : std::exchange(resolved_, {})) {
    OnResolved(answer);
    any = true;
  }
  auto take = [&](const Mail& mail) {
    OnMail(mail);
    any = true;
  };
  mailboxes_.Drain(MailClass::kAnswer, kMailsPerTurn, take);
  mailboxes_.Drain(MailClass::kRequest, kMailsPerTurn, [this] {
    return mailboxes_.MayTakeRequests() && pending_mail_bytes_ < kPendingMailMax &&
           store_->HasRoom();
  }, take);
  std::erase_if(waiting_for_room_, [&](const RoomWaiter& waiter) {
    if (!mailboxes_.HasRoom(waiter.to, MailClass::kRequest)) return false;
    if (Connection* connection = connections_.Get(waiter.socket)) {
      connections_.Unhold(connection, kHoldMailbox);
    }
    any = true;
    return true;
  });
  return any;
}

void ShardCore::PostOrTake(uint32_t to, MailClass mail_class, const MailHeader& header,
                           std::string_view text, Bytes rest) {
  if (to != shard_) {
    counters_.mail_sent.Add();
    mailboxes_.Post(to, mail_class, header, text, rest);
    return;
  }
  Mail mail{header, text, rest};
  mail.header.text_size = static_cast<uint16_t>(text.size());
  OnMail(mail);
}

void ShardCore::OnMail(const Mail& mail) {
  const MailHeader& header = mail.header;
  std::string_view text = mail.text;
  switch (header.type) {
    case MailType::kHandOver:
      OnHandOver(mail);
      break;
    case MailType::kDirect:
      OnDirectMail(mail);
      break;
    case MailType::kToChannel:
    case MailType::kJoin:
    case MailType::kLeave:
    case MailType::kListMembers:
      OnChannelMail(mail);
      break;
    case MailType::kContactNotice: {
      const std::string_view name = TakePart(&text);
      User* user = FindOrLoad(name);
      if (user->state == UserState::kLoading) Postpone(user, mail);
      else OnContactNotice(name, text, header.code != 0);
      break;
    }
    case MailType::kSettled:
      SettleHere(header.session, header.number, header.count, static_cast<ErrorCode>(header.code));
      break;
    case MailType::kMembership: {
      const std::string_view channel = TakePart(&text);
      if (User* user = users_.Find(text); IsLoading(user)) Postpone(user, mail);
      else OnMembership(header, channel, text);
      break;
    }
    case MailType::kContactAgreed: {
      const std::string_view name = TakePart(&text);
      if (User* user = users_.Find(name); IsLoading(user)) Postpone(user, mail);
      else OnContactAgreed(name, text, header.flags != 0);
      break;
    }
    case MailType::kMembers:
      OnMembersPage(header, text, std::string(AsString(mail.rest)));
      break;
    case MailType::kChannelBatch:
      OnChannelBatch(mail);
      break;
    case MailType::kCopies: {
      if (fanouts_.Find(mail.text) == nullptr) break;
      SharedBytes* bytes = SharedBytes::Create(&buffers_, mail.rest.size());
      std::memcpy(bytes->data(), mail.rest.data(), mail.rest.size());
      bytes->Grow(static_cast<uint32_t>(mail.rest.size()));
      FanOutCopies(mail.text, bytes, header.count);
      bytes->Unref();
      break;
    }
    case MailType::kBounce: {
      const std::string_view name = TakePart(&text);
      if (User* user = FindOrLoad(name); IsLoading(user)) Postpone(user, mail);
      else OnBounce(name, text, header.number, static_cast<ErrorCode>(header.code));
      break;
    }
    case MailType::kHoldSender:
    case MailType::kResumeSender: {
      Session* session = sessions_.Get(header.session);
      if (session == nullptr) break;
      Connection* connection = connections_.Get(session->socket);
      // Each reader that holds it lets it go once.
      if (header.type == MailType::kHoldSender) {
        ++session->readers_too_slow;
        connections_.Hold(connection, kHoldReader);
        counters_.reading_paused.Add();
      } else if (--session->readers_too_slow == 0) {
        connections_.Unhold(connection, kHoldReader);
      }
      break;
    }
  }
}

void ShardCore::OnDirectMail(const Mail& mail) {
  std::string_view text = mail.text;
  const std::string_view name = TakePart(&text);
  const Origin origin{mail.header.shard, mail.header.session, mail.header.number,
                      static_cast<OriginKind>(mail.header.flags)};
  User* user = FindOrLoad(name);
  if (user->state == UserState::kLoading) return Postpone(user, mail);
  if (origin.kind != OriginKind::kSession) {
    return DeliverFromLink(user, text, {mail.rest, {}, mail.header.count}, 0, origin);
  }
  const bool may = user->state == UserState::kPresent &&
                   (policy_.contacts_open || user->HasContact(text));
  const uint32_t count = mail.header.count;
  if (user->state == UserState::kFailed) Settle(origin, ErrorCode::kUnavailable, count);
  else if (may) DeliverToUser(user, users_.HandleOf(name), {mail.rest, {}, count}, 0, origin);
  else Settle(origin, ErrorCode::kNotFound, count);
}

void ShardCore::OnChannelMail(const Mail& mail) {
  std::string_view text = mail.text;
  const std::string_view name = TakePart(&text);
  if (name.find('@') != std::string_view::npos) return OnForeignMembership(mail);
  Channel* channel = FindOrLoadChannel(name);
  if (channel->state == ChannelState::kLoading) return Postpone(channel, mail);
  const MailHeader& header = mail.header;
  if (header.type == MailType::kToChannel) {
    const Origin origin{header.shard, header.session, header.number,
                        static_cast<OriginKind>(header.flags)};
    if (channel->members.contains(text)) {
      SendToChannel(channel, channels_.HandleOf(name), {mail.rest, {}, header.count}, origin);
    } else {
      const bool failed = channel->state == ChannelState::kFailed;
      Settle(origin, failed ? ErrorCode::kUnavailable : ErrorCode::kNotFound, header.count);
    }
    return;
  }
  MailHeader answer;
  answer.shard = header.shard;
  answer.session = header.session;
  answer.number = header.number;
  answer.flags = header.flags;
  if (header.type == MailType::kListMembers) {
    const std::string_view asker = TakePart(&text);
    SendMembersPage(name, asker, text, answer);
  } else {
    ChangeMembership(name, text, header.type == MailType::kJoin, header.shard, answer);
  }
}

void ShardCore::OnChannelBatch(const Mail& mail) {
  Fanout* fanout = fanouts_.Find(mail.text);
  if (fanout == nullptr) return;
  std::vector<BatchOrigin>& origins = batch_origins_;
  origins.resize(mail.header.count);
  const size_t origins_size = origins.size() * sizeof(BatchOrigin);
  std::memcpy(static_cast<void*>(origins.data()), mail.rest.data(), origins_size);
  const Bytes rest = mail.rest.subspan(origins_size);
  SharedBytes* bytes = SharedBytes::Create(&buffers_, rest.size());
  std::memcpy(bytes->data(), rest.data(), rest.size());
  bytes->Grow(static_cast<uint32_t>(rest.size()));
  FanOut(fanout, bytes, origins);
  bytes->Unref();
}

// --- until a user or channel is loaded ---

template <class T>
void ShardCore::Postpone(T* object, const Mail& mail) {
  std::string record(reinterpret_cast<const char*>(&mail.header), sizeof(MailHeader));
  record.append(mail.text).append(AsString(mail.rest));
  pending_mail_bytes_ += record.size();
  object->pending_mail.push_back(std::move(record));
}

template <class T>
void ShardCore::TakePostponed(T* object) {
  for (const std::string& record : std::exchange(object->pending_mail, {})) {
    pending_mail_bytes_ -= record.size();
    OnMail(ReadMail(reinterpret_cast<const uint8_t*>(record.data()), record.size()));
  }
}

template <class T>
void ShardCore::WakeWaiters(T* object) {
  for (const SocketId socket : std::exchange(object->waiters, {})) {
    if (Connection* connection = connections_.Get(socket)) {
      connections_.Unhold(connection, kHoldRequest);
    }
  }
}

template void ShardCore::TakePostponed(User*);
template void ShardCore::TakePostponed(Channel*);
template void ShardCore::WakeWaiters(User*);
template void ShardCore::WakeWaiters(Peer*);
template void ShardCore::WakeWaiters(Channel*);

}  // namespace solec

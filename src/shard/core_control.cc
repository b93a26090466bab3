// A shard's beginning and end, and what administrators ask of it.

#include <algorithm>

#include "net/shared_bytes.h"
#include "shard/shard_core.h"

namespace solec {

static constexpr size_t kConnectionsListed = 1'000;
static constexpr size_t kNamesListed = 100'000;

ShardCore::ShardCore(const ShardEnvironment& environment)
    : server_name_(environment.server_name),
      shard_(environment.shard),
      shard_count_(environment.rings->shard_count()),
      hash_key_(environment.hash_key),
      now_ns_(environment.now_ns),
      store_(environment.store),
      passwords_(environment.passwords),
      connection_limits_(environment.connection_limits),
      connections_(&buffers_, environment.now_ns),
      mailboxes_(environment.rings, environment.shard),
      peer_timers_(environment.now_ns),
      random_state_(environment.random_seed ^ HashText("shard", environment.shard)),
      resolver_(environment.resolver),
      log_(environment.log),
      proofs_(environment.proof_key) {
  store_->SetSpoolHandler([this](const SpoolGrowth& growth) { OnSpoolGrowth(growth); });
  Reconfigure(environment.limits, environment.policy, environment.peers);
  store_->SetKeptHandler([this](const KeepTicket& ticket, StoreStatus status, uint64_t position) {
    OnKept(ticket, status, position);
  });
}

ShardCore::~ShardCore() {
  for (const Handle<Channel> handle : dirty_channels_) {
    Channel* channel = channels_.Get(handle);
    if (channel != nullptr && channel->batch != nullptr) channel->batch->Unref();
  }
  peers_here_.ForEach([](Handle<Peer>, Peer& peer) {
    if (peer.in.copies != nullptr) peer.in.copies->Unref();
  });
}

void ShardCore::Reconfigure(const Limits& limits, const Policy& policy,
                            const std::vector<PeerEntry>& peers) {
  limits_ = limits;
  policy_ = policy;
  output_high_ = limits.output_bytes_max / 2;
  output_low_ = limits.output_bytes_max / 4;
  proofs_.Configure(limits.login_proof_lifetime_ms * 1'000'000,
                    limits.login_proofs_max / shard_count_);
  ++epoch_;
  store_->SetSpoolBytesMax(limits.spool_bytes_max);
  ConfigurePeers(peers);
}

void ShardCore::Drain() {
  draining_ = true;
  peers_here_.ForEach([](Handle<Peer>, Peer& peer) { peer.dial_at_ns = 0; });
  connections_.ForEach([this](Connection& connection) {
    connections_.End(&connection, CloseReason::kShuttingDown, ErrorCode::kShuttingDown);
  });
}

std::string_view ShardCore::OwnName(std::string_view address) const {
  const size_t at = address.find('@');
  if (at == std::string_view::npos || address.substr(at + 1) != server_name_) return {};
  return address.substr(0, at);
}

// For a list of what begins with `prefix`: names come after this, and none of them before.
static std::string BeforePrefix(std::string prefix) {
  if (prefix.empty()) return prefix;
  // No byte of a name is 0 or 0xFF.
  prefix.back() = static_cast<char>(prefix.back() - 1);
  return prefix + '\xFF';
}

static ControlStatus StatusOf(const StoreCompletion& completion) {
  switch (completion.status) {
    case StoreStatus::kDone:
      return ControlStatus::kDone;
    case StoreStatus::kNotFound:
      return ControlStatus::kNotFound;
    case StoreStatus::kExists:
      return ControlStatus::kExists;
    case StoreStatus::kFull:
    case StoreStatus::kFailed:
      return ControlStatus::kUnavailable;
  }
  return ControlStatus::kUnavailable;
}

static ControlStatus StatusOf(ErrorCode code) {
  if (code == ErrorCode::kNone) return ControlStatus::kDone;
  return code == ErrorCode::kNotFound ? ControlStatus::kNotFound : ControlStatus::kUnavailable;
}

void ShardCore::Control(const ControlRequest& request, ControlDone done) {
  switch (request.kind) {
    case ControlKind::kUserAdd:
    case ControlKind::kUserPassword:
    case ControlKind::kUserRemove:
    case ControlKind::kUserList:
      return ControlUser(request, std::move(done));
    case ControlKind::kContactAdd:
    case ControlKind::kContactRemove:
    case ControlKind::kContactList:
      return ControlContact(request, std::move(done));
    case ControlKind::kChannelCreate:
    case ControlKind::kChannelRemove:
    case ControlKind::kChannelList:
    case ControlKind::kChannelJoin:
    case ControlKind::kChannelMembers:
      return ControlChannel(request, std::move(done));
    case ControlKind::kConnectionList:
      return done(ListConnections());
    case ControlKind::kPeerList:
      return ListPeers(std::move(done));
    case ControlKind::kPeerTest:
      return TestPeer(request.name, std::move(done));
  }
}

// --- users ---

void ShardCore::ControlUser(const ControlRequest& request, ControlDone done) {
  const std::string& name = request.name;
  if (request.kind != ControlKind::kUserList && (!IsValidName(name) || name == kServiceName)) {
    return done({ControlStatus::kInvalid, {}});
  }
  switch (request.kind) {
    case ControlKind::kUserAdd:
      WithUser(name, [this, hash = request.argument, done = std::move(done)](User* asked) mutable {
        store_->AddUser(asked->name, hash, [this, name = asked->name, hash,
                                            done = std::move(done)](
                                               StoreCompletion& completion) mutable {
          User* user = users_.Find(name);
          if (completion.status == StoreStatus::kDone && user != nullptr &&
              user->state == UserState::kAbsent) {
            user->state = UserState::kPresent;
            user->password_hash = hash;
            ++user->version;
          }
          done({StatusOf(completion), {}});
        });
      });
      break;
    case ControlKind::kUserPassword:
      WithUser(name, [this, hash = request.argument, done = std::move(done)](User* asked) mutable {
        store_->SetPassword(asked->name, hash, [this, name = asked->name, hash,
                                                done = std::move(done)](
                                                   StoreCompletion& completion) mutable {
          User* user = users_.Find(name);
          if (completion.status == StoreStatus::kDone && user != nullptr) {
            user->password_hash = hash;
            proofs_.Forget(name);
            EndSessions(user, CloseReason::kAccountRemoved);
          }
          done({StatusOf(completion), {}});
        });
      });
      break;
    case ControlKind::kUserRemove:
      WithUser(name, [this, done = std::move(done)](User* user) mutable {
        if (user->state == UserState::kFailed) return done({ControlStatus::kUnavailable, {}});
        RemoveUser(user, std::move(done));
      });
      break;
    default:
      store_->ListUsers(BeforePrefix(name), kNamesListed, [this, done = std::move(done)](
                                              StoreCompletion& completion) mutable {
        ControlReply reply{StatusOf(completion), {}};
        if (auto* names = std::get_if<std::vector<std::string>>(&completion.value)) {
          for (std::string& listed : *names) {
            const User* user = users_.Find(listed);
            const bool online = user != nullptr && !user->sessions.empty();
            reply.items.push_back({std::move(listed), online ? uint8_t{1} : uint8_t{0}});
          }
        }
        done(std::move(reply));
      });
      break;
  }
}

// Whoever gets the name next is somebody else: nothing of the old user may be left anywhere.
void ShardCore::RemoveUser(User* user, ControlDone done) {
  if (user->state == UserState::kPresent) {
    const std::string address = FullAddress(user->name);
    MailHeader header;
    header.shard = static_cast<uint16_t>(shard_);
    header.type = MailType::kLeave;
    // The answers change the set, and may come within the call.
    for (const std::string& channel : std::exchange(user->channels, {})) {
      PostOrTake(HomeOfChannel(channel), MailClass::kRequest, header, channel + '\0' + address);
    }
    header.type = MailType::kContactNotice;
    header.code = 0;
    for (const auto& [contact, agreed] : std::exchange(user->contacts, {})) {
      const std::string_view contact_name = OwnName(contact);
      if (contact_name.empty()) continue;
      PostOrTake(ShardOf(contact_name), MailClass::kRequest, header,
                 std::string(contact_name) + '\0' + address);
    }
    EndSessions(user, CloseReason::kAccountRemoved);
    proofs_.Forget(user->name);
    user->state = UserState::kAbsent;
    if (user->inbox != nullptr) user->inbox->Acknowledge(user->inbox->MarkNow(1));
    ++user->version;
  }
  store_->RemoveUser(user->name, [done = std::move(done)](StoreCompletion& completion) mutable {
    done({StatusOf(completion), {}});
  });
}

void ShardCore::EndSessions(User* user, CloseReason reason) {
  for (const Handle<Session> handle : user->sessions) {
    connections_.End(connections_.Get(sessions_.Get(handle)->socket), reason,
                     ErrorCode::kUserAuthFailed);
  }
}

// Runs `then` with the user once it is loaded, in this turn or a later one.
void ShardCore::WithUser(const std::string& name, absl::AnyInvocable<void(User*)> then) {
  User* user = FindOrLoad(name);
  if (user->state != UserState::kLoading) return then(user);
  // Records are read in order: this one comes after the one that loads the user.
  store_->LoadUser(name, [this, name, then = std::move(then)](StoreCompletion&) mutable {
    WithUser(name, std::move(then));
  });
}

static ControlStatus MissingStatus(const User& user) {
  return user.state == UserState::kFailed ? ControlStatus::kUnavailable : ControlStatus::kNotFound;
}

void ShardCore::ControlContact(const ControlRequest& request, ControlDone done) {
  const Target target = ParseTarget(request.argument, server_name_);
  const bool list = request.kind == ControlKind::kContactList;
  const bool is_user = target.kind == TargetKind::kUser ||
                       (target.kind == TargetKind::kOtherServer && !target.name.starts_with('#'));
  if (!IsValidName(request.name) || (!list && !is_user)) {
    return done({ControlStatus::kInvalid, {}});
  }
  std::string address;
  if (!list) {
    address = target.kind == TargetKind::kUser ? FullAddress(target.name)
                                               : FormatAddress(target.name, target.server);
  }
  WithUser(request.name, [this, kind = request.kind, name = request.name,
                          address = std::move(address),
                          done = std::move(done)](User* user) mutable {
    if (user->state != UserState::kPresent) return done({MissingStatus(*user), {}});
    if (kind == ControlKind::kContactList) {
      ControlReply reply;
      for (const auto& [contact, agreed] : user->contacts) {
        reply.items.push_back({contact, agreed ? kListItemAgreed : uint8_t{0}});
      }
      return done(std::move(reply));
    }
    const bool add = kind == ControlKind::kContactAdd;
    if (!add && !user->HasContact(address)) return done({ControlStatus::kNotFound, {}});
    if (add && user->contacts.size() >= limits_.contacts_per_user_max) {
      return done({ControlStatus::kOverLimit, {}});
    }
    ChangeContact(users_.HandleOf(name), std::move(address), add,
                  [done = std::move(done)](ErrorCode code) mutable { done({StatusOf(code), {}}); });
  });
}

// --- channels ---

void ShardCore::ControlChannel(const ControlRequest& request, ControlDone done) {
  const std::string& name = request.name;
  const Target target = ParseTarget(name, server_name_);
  // A user may be made to join a channel of another server; that server knows the rest.
  const bool foreign = request.kind == ControlKind::kChannelJoin &&
                       target.kind == TargetKind::kOtherServer && target.name.starts_with('#');
  const bool is_channel = target.kind == TargetKind::kChannel || foreign;
  if (request.kind != ControlKind::kChannelList && !is_channel) {
    return done({ControlStatus::kInvalid, {}});
  }
  const std::string channel_name =
      foreign ? FormatAddress(target.name, target.server) : std::string(target.name);
  switch (request.kind) {
    case ControlKind::kChannelCreate:
      WithChannel(channel_name, [this, done = std::move(done)](Channel* asked) mutable {
        store_->AddChannel(asked->name, [this, name = asked->name, done = std::move(done)](
                                            StoreCompletion& completion) mutable {
          Channel* channel = channels_.Find(name);
          if (completion.status == StoreStatus::kDone && channel != nullptr &&
              channel->state == ChannelState::kAbsent) {
            SetPresent(channel, channels_.HandleOf(name));
          }
          done({StatusOf(completion), {}});
        });
      });
      break;
    case ControlKind::kChannelRemove:
      WithChannel(channel_name, [this, done = std::move(done)](Channel* channel) mutable {
        if (channel->state == ChannelState::kFailed) {
          return done({ControlStatus::kUnavailable, {}});
        }
        // Before the store forgets it: whatever is kept after that belongs to a later channel.
        RemoveChannelMembers(channel);
        store_->RemoveChannel(channel->name, [done = std::move(done)](
                                                 StoreCompletion& completion) mutable {
          done({StatusOf(completion), {}});
        });
      });
      break;
    case ControlKind::kChannelList:
      store_->ListChannels(BeforePrefix(name), kNamesListed, [done = std::move(done)](
                                                 StoreCompletion& completion) mutable {
        ControlReply reply{StatusOf(completion), {}};
        if (auto* names = std::get_if<std::vector<std::string>>(&completion.value)) {
          for (std::string& listed : *names) reply.items.push_back({std::move(listed), 0});
        }
        done(std::move(reply));
      });
      break;
    case ControlKind::kChannelJoin: {
      // Runs on the user's shard; the channel's owner answers by mail.
      WithUser(request.argument, [this, channel_name, user_name = request.argument,
                                  done = std::move(done)](User* user) mutable {
        if (user->state != UserState::kPresent) return done({MissingStatus(*user), {}});
        if (user->channels.size() >= limits_.channels_per_user_max &&
            !user->channels.contains(channel_name)) {
          return done({ControlStatus::kOverLimit, {}});
        }
        MailHeader header;
        header.type = MailType::kJoin;
        header.shard = static_cast<uint16_t>(shard_);
        header.number = next_ticket_++;
        memberships_asked_.emplace(header.number, std::move(done));
        PostOrTake(HomeOfChannel(channel_name), MailClass::kRequest, header,
                   channel_name + '\0' + FullAddress(user_name));
      });
      break;
    }
    default:
      WithChannel(channel_name, [done = std::move(done)](Channel* channel) mutable {
        ControlReply reply;
        if (channel->state == ChannelState::kAbsent) reply.status = ControlStatus::kNotFound;
        if (channel->state == ChannelState::kFailed) reply.status = ControlStatus::kUnavailable;
        for (const std::string& member : channel->members) reply.items.push_back({member, 0});
        done(std::move(reply));
      });
      break;
  }
}

void ShardCore::WithChannel(const std::string& name, absl::AnyInvocable<void(Channel*)> then) {
  Channel* channel = FindOrLoadChannel(name);
  if (channel->state != ChannelState::kLoading) return then(channel);
  store_->LoadChannel(name, [this, name, then = std::move(then)](StoreCompletion&) mutable {
    WithChannel(name, std::move(then));
  });
}

// Every member's shard learns that it is over, as if each had left.
void ShardCore::RemoveChannelMembers(Channel* channel) {
  if (channel->state != ChannelState::kPresent) return;
  FlushChannel(channel);
  for (const std::string& address : channel->members) {
    const std::string_view name = OwnName(address);
    if (name.empty()) continue;
    MailHeader header;
    header.type = MailType::kMembership;
    PostOrTake(ShardOf(name), MailClass::kAnswer, header, channel->name + '\0' + std::string(name));
  }
  SetAbsent(channel, channels_.HandleOf(channel->name));
  ++channel->version;
}

ControlReply ShardCore::ListConnections() {
  ControlReply reply;
  connections_.ForEach([&](Connection& connection) {
    if (reply.items.size() >= kConnectionsListed) return;
    std::string line = peer_text ? peer_text(connection.socket) : std::string("?");
    const Session* session = sessions_.Get(connection.session);
    const User* user = session == nullptr ? nullptr : users_.Get(session->user);
    line.append(" shard ").append(std::to_string(shard_)).append(" user ");
    const Peer* peer = session == nullptr ? nullptr : PeerOf(*session);
    if (peer != nullptr) line.append("server ").append(peer->name);
    else line.append(user == nullptr ? std::string_view("-") : std::string_view(user->name));
    line.append(" output ").append(std::to_string(connection.output.byte_count()));
    if (connection.tls != nullptr) line.append(" tls");
    reply.items.push_back({std::move(line), 0});
  });
  return reply;
}

}  // namespace solec

// Joins and leaves across servers. They are requests beside the stream: without a link they fail at
// once, and those that were under way when it was cut fail too.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

uint32_t ShardCore::HomeOfChannel(std::string_view channel) const {
  const size_t at = channel.find('@');
  return ShardOf(at == std::string_view::npos ? channel : channel.substr(at + 1));
}

// --- users of this server, channels of a peer ---

// On the peer's shard: a user wants to join or leave "#room@b.example".
void ShardCore::OnForeignMembership(const Mail& mail) {
  std::string_view user = mail.text;
  const std::string_view channel = TakePart(&user);
  const bool join = mail.header.type == MailType::kJoin;
  MailHeader answer = mail.header;
  answer.type = MailType::kMembership;
  answer.flags = join ? 1 : 0;
  Address address;
  ParseAddress(channel, &address);
  Peer* peer = peers_here_.Find(address.server);
  auto finish = [&](ErrorCode code) {
    FinishMembership(mail.header.shard, answer, channel, user, code);
  };
  // Of a server that is known no more a user may rid itself of what it has joined.
  if (peer == nullptr || peer->removed) return finish(join ? ErrorCode::kNotFound
                                                           : ErrorCode::kNone);
  Connection* connection = connections_.Get(peer->link);
  const bool may = connection != nullptr && connection->live() &&
                   (peer->features & kFeatureRequests) != 0 &&
                   peer->requests.size() < Peer::kRequestsMax;
  if (!may) return finish(ErrorCode::kUnavailable);
  while (peer->requests.contains(++peer->next_tag)) {
  }
  peer->requests.emplace(peer->next_tag,
                         PeerRequest{mail.header.shard, answer, std::string(channel),
                                     std::string(user), join});
  if (join) connections_.AppendFrame(connection, Join{peer->next_tag, user, channel});
  else connections_.AppendFrame(connection, Leave{peer->next_tag, user, channel});
}

FrameVerdict ShardCore::OnLinkResult(Peer* peer, const Result& result) {
  const auto found = peer->requests.find(result.tag);
  if (found == peer->requests.end()) return FrameVerdict::kNext;
  const PeerRequest request = std::move(found->second);
  peer->requests.erase(found);
  // Whoever is no member there any more has left.
  const bool gone = !request.join && result.code == ErrorCode::kNotFound;
  FinishMembership(request.shard, request.answer, request.channel, request.user,
                   gone ? ErrorCode::kNone : result.code);
  return FrameVerdict::kNext;
}

void ShardCore::FailPeerRequests(Peer* peer) {
  std::vector<std::pair<uint16_t, PeerRequest>> requests;
  for (auto& [tag, request] : peer->requests) requests.emplace_back(tag, std::move(request));
  peer->requests.clear();
  // In an order that is the same in each run.
  std::sort(requests.begin(), requests.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [tag, request] : requests) {
    FinishMembership(request.shard, request.answer, request.channel, request.user,
                     ErrorCode::kUnavailable);
  }
}

// --- users of a peer, channels of this server ---

FrameVerdict ShardCore::OnLinkMembership(Connection* connection, Peer* peer, uint16_t tag,
                                         std::string_view user, std::string_view channel,
                                         bool join) {
  Address member;
  const Target target = ParseTarget(channel, server_name_);
  const bool its_own = ParseAddress(user, &member) && !member.is_channel() &&
                       SameServer(member.server, peer->name);
  if (!its_own || target.kind != TargetKind::kChannel) {
    if (!its_own) ++peer->counts.refused_source;
    connections_.AppendFrame(connection, Result{tag, ErrorCode::kNotFound});
    CheckOutput(connection);
    return FrameVerdict::kNext;
  }
  MailHeader header;
  header.type = join ? MailType::kJoin : MailType::kLeave;
  header.flags = kMembershipOfPeer;
  header.shard = static_cast<uint16_t>(shard_);
  header.session = peer->session;
  header.number = uint64_t{peer->serial} << 16 | tag;
  std::string text(target.name);
  text.append(1, '\0').append(FormatAddress(member.name, peer->name));
  const bool full = ++peer->requests_of_peer >= Peer::kRequestsOfPeerMax;
  if (full) connections_.Hold(connection, kHoldRequest);
  PostOrTake(ShardOf(target.name), MailClass::kRequest, header, text);
  return connection->holds == 0 ? FrameVerdict::kNext : FrameVerdict::kHoldAfter;
}

// The channel's shard has decided; the answer is of use only to the link that asked.
void ShardCore::AnswerPeerRequest(const MailHeader& header) {
  const Session* session = sessions_.Get(header.session);
  Peer* peer = session == nullptr ? nullptr : PeerOf(*session);
  if (peer == nullptr || header.number >> 16 != peer->serial) return;
  Connection* connection = connections_.Get(peer->link);
  if (connection == nullptr) return;
  const auto tag = static_cast<uint16_t>(header.number);
  counters_.requests.Add();
  connections_.AppendFrame(connection, Result{tag, static_cast<ErrorCode>(header.code)});
  CheckOutput(connection);
  if (peer->requests_of_peer-- == Peer::kRequestsOfPeerMax) {
    connections_.Unhold(connection, kHoldRequest);
  }
}

}  // namespace solec

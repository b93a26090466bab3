// What happens in a run: each action is one of these, chosen by the seed.
#include <algorithm>

#include "sim/federation.h"

namespace solec {

static constexpr uint32_t kLinkFeatures =
    kFeaturePing | kFeatureReceipts | kFeatureRequests | kFeatureResume;

bool Federation::IsUsable(size_t session) const {
  const SessionRecord& record = *ledger_.sessions[session];
  return !record.cut && !record.session->client().ended();
}

std::vector<size_t> Federation::Usable() const {
  std::vector<size_t> usable;
  for (size_t i = 0; i < ledger_.sessions.size(); ++i) {
    if (IsUsable(i)) usable.push_back(i);
  }
  return usable;
}

void Federation::NoteSuccess() {
  for (const auto& record : ledger_.sessions) {
    if (record->success_ns != UINT64_MAX) continue;
    for (const SimSession::Received& received : record->session->received()) {
      if (received.type() == PayloadType::kSuccess) record->success_ns = received.at_ns;
    }
  }
}

void Federation::Act() {
  const std::vector<size_t> usable = Usable();
  const uint64_t what = random_.Below(100);
  if (usable.size() < 3 || (what < 12 && usable.size() < kSessionsOpenMax)) {
    return LogIn(users_[random_.Below(users_.size())]);
  }
  const size_t session = usable[random_.Below(usable.size())];
  if (what < 46) {
    SendSome(session);
  } else if (what < 52) {
    Ask(session);
  } else if (what < 61) {
    if (!calm_) BreakNetwork();
  } else if (what < 62) {
    if (!calm_) Reload();
  } else if (what < 66) {
    Cut(session);
  } else if (what < 70) {
    if (ledger_.durable && !calm_) Crash();
  } else if (what < 74) {
    Lie();
  } else if (what < 78) {
    SimClient& client = ledger_.sessions[session]->session->client();
    client.reading = !client.reading;
  } else if (what < 86) {
    world_.RunFor(random_.Below(60'000'000));
  } else if (what < 90) {
    world_.RunFor(random_.Below(5'000'000'000));
  } else {
    for (uint64_t steps = random_.Below(300); steps > 0; --steps) world_.Step();
  }
}

void Federation::LogIn(const std::string& user) {
  auto record = std::make_unique<SessionRecord>();
  record->user = user;
  record->receipts = random_.Percent(70);
  record->acknowledges = record->receipts && random_.Percent(70);
  const auto server = static_cast<uint32_t>(ServerOf(user));
  const uint32_t shards = world_.server(server).shard_count();
  record->session =
      std::make_unique<SimSession>(&world_, static_cast<uint32_t>(random_.Below(shards)), server);
  record->session->acknowledges = record->acknowledges;
  record->session->SendLogin(user, record->receipts ? kSimFeatures : 0);
  ledger_.sessions.push_back(std::move(record));
}

Letter Federation::ChooseLetter(size_t session) {
  const SessionRecord& record = *ledger_.sessions[session];
  Letter letter{session, static_cast<uint32_t>(record.letters.size() + 1), "", Due::kRefused,
                world_.now_ns()};
  const uint64_t what = random_.Below(100);
  if (what < 60) {
    letter.target = users_[random_.Below(users_.size())];
    const std::pair<std::string, std::string> pair{record.user, letter.target};
    if (contacts_.contains(pair)) letter.due = Due::kDelivered;
    if (one_sided_.contains(pair)) letter.due = Due::kBounced;
  } else if (what < 65) {
    letter.target = kChanging;
    letter.due = Due::kEither;
  } else if (what < 95) {
    letter.target = channels_[random_.Below(channels_.size())];
    if (ledger_.members[letter.target].contains(record.user)) letter.due = Due::kDelivered;
  } else {
    static constexpr std::string_view kNobody[] = {"u0@other.example", "#c0@other.example",
                                                   "nobody@b.example", "#nowhere@a.example",
                                                   "u0@liar.example"};
    letter.target = kNobody[random_.Below(std::size(kNobody))];
  }
  return letter;
}

void Federation::SendSome(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  const uint64_t count = random_.Percent(70) ? random_.Between(1, 3) : random_.Between(4, 40);
  Letter letter = ChooseLetter(session);
  for (uint64_t i = 0; i < count; ++i) {
    if (i == 0 || random_.Percent(30)) letter = ChooseLetter(session);  // often to the same
    letter.number = static_cast<uint32_t>(record.letters.size() + 1);
    record.letters.push_back(letter);
    const size_t filling = random_.Percent(80) ? random_.Below(60) : random_.Below(6'000);
    record.session->SendMessage(letter.target, Ledger::Content(record.user, letter, filling), "",
                                letter.timestamp());
  }
}

// To come to a channel, perhaps elsewhere, or to go.
void Federation::Ask(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  const bool join = random_.Percent(60);
  if (!record.receipts) {
    // Not one of the messages that the ledger counts: nothing is ever said of it but the answer.
    record.session->SendMessage("server", (join ? "join " : "leave ") + std::string(kChanging));
    return;
  }
  const auto tag = static_cast<uint16_t>(random_.Next());
  record.tags.push_back(tag);
  if (join)
    record.session->Send(Join{tag, "", kChanging});
  else
    record.session->Send(Leave{tag, record.user, kChanging});
}

// A server's configuration changes: whom it dials, and under which address it knows them.
void Federation::Reload() {
  SimServer& server = world_.server(random_.Below(world_.server_count()));
  std::vector<PeerEntry> peers = server.peers();
  for (PeerEntry& peer : peers) {
    if (peer.name == kLiar) continue;
    // The address is none that reaches another server, so it may be put back at once.
    if (random_.Percent(50)) peer.address = "127.0.0.1:1";
  }
  const std::vector<PeerEntry> before = server.peers();
  server.SetPeers(peers);
  world_.RunFor(random_.Below(1'000'000'000));
  server.SetPeers(before);
}

// What breaks in the midst of traffic is what matters.
void Federation::Storm() {
  const std::vector<size_t> usable = Usable();
  for (uint64_t i = random_.Below(4); i > 0; --i) SendSome(usable[random_.Below(usable.size())]);
  for (uint64_t steps = random_.Below(1'200); steps > 0; --steps) world_.Step();
}

void Federation::BreakNetwork() {
  const auto a = static_cast<uint32_t>(random_.Below(world_.server_count()));
  const auto b = static_cast<uint32_t>((a + random_.Between(1, world_.server_count() - 1)) %
                                       world_.server_count());
  const std::pair<uint32_t, uint32_t> pair = std::minmax(a, b);
  if (severed_.erase(pair) != 0) return world_.network().Heal(a, b);
  if (random_.Percent(40)) {
    severed_.insert(pair);
    world_.network().Sever(a, b);
    return;
  }
  Storm();
  CutLinks(pair);
}

void Federation::CutLinks(std::pair<uint32_t, uint32_t> pair) {
  SimNetwork& network = world_.network();
  for (size_t i = 0; i < network.connection_count(); ++i) {
    SimConnection& connection = network.connection(i);
    if (std::pair(std::min(connection.client.host, connection.server.host),
                  std::max(connection.client.host, connection.server.host)) == pair) {
      network.Cut(&connection);
    }
  }
}

void Federation::HealAll() {
  for (const auto& [a, b] : severed_) world_.network().Heal(a, b);
  severed_.clear();
}

void Federation::Cut(size_t session) {
  SessionRecord& record = *ledger_.sessions[session];
  record.cut = true;
  if (random_.Percent(50))
    record.session->client().Reset();
  else
    record.session->client().Close();
}

void Federation::Crash() {
  Storm();
  NoteSuccess();
  const size_t server = random_.Below(world_.server_count());
  for (const auto& record : ledger_.sessions) {
    if (ServerOf(record->user) == server) record->cut = true;
  }
  world_.server(server).Crash();
}

// A server that is known, and says what it may not. None of it names a letter: whoever gets it says
// so.
void Federation::Lie() {
  if (liar_ == nullptr || liar_->client().ended()) {
    liar_server_ = random_.Below(world_.server_count());
    lies_ = 0;
    const bool extended = random_.Percent(50);
    liar_ = std::make_unique<SimSession>(&world_, 0, static_cast<uint32_t>(liar_server_));
    liar_->SendHandshake(extended ? kLinkFeatures : 0);
    liar_->Send(ServerAuth{kLiar});
    if (extended) liar_->Send(LinkResume{++liar_stream_, 1});
    return;
  }
  const size_t own = liar_server_, other = (own + 1) % world_.server_count();
  const std::string user = Address("u0", own), friend_of_user = Address("u1", own);
  const std::string stranger = Address("u1", other);
  const std::string lies[][2] = {
      {friend_of_user, user},  // speaks for a user of the server itself
      {stranger, user},        // and for one of a third
      {stranger, Address("#c0", own)},
      {"x@liar.example", stranger},               // transit
      {"x@liar.example", Address("#c0", other)},  // a channel elsewhere
      {user, Address("#c0", other)},              // pretends to fan out another's channel
      {"x@liar.example", user},                   // nobody's contact
      {"x@liar.example", Address("#c0", own)},    // no member
  };
  for (uint64_t count = random_.Between(1, 4); count > 0; --count) {
    const auto& [source, target] = lies[random_.Below(std::size(lies))];
    liar_->SendMessage(target, "a lie", source);
    ++lies_;
  }
}

}  // namespace solec

#include "sim/federation.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace solec {

std::vector<SimServerOptions> Federation::ServersOf(uint64_t seed) {
  SimRandom random(seed ^ 0xfede);
  const size_t count = random.Percent(60) ? 2 : 3;
  const bool durable = seed % 2 == 0;
  std::vector<SimServerOptions> servers(count);
  for (size_t i = 0; i < count; ++i) {
    SimServerOptions& server = servers[i];
    server.name = std::string(1, static_cast<char>('a' + i)) + ".example";
    server.shard_count = static_cast<uint32_t>(random.Between(1, 2));
    // Short, so that a run sees many tries, pings and ends.
    server.limits.login_timeout_ms = 4'000;
    server.limits.link_ping_interval_ms = 2'000;
    server.limits.link_backoff_max_ms = 2'000;
    server.limits.output_stall_timeout_ms = 2'000;
    server.limits.output_bytes_max = (128 << 10) << random.Below(3);
    server.password_delay_ns_max = random.Percent(30) ? 0 : random.Below(50'000'000);
    server.ring_bytes = random.Percent(50) ? 128 * 1024 : 256 * 1024;
    if (Expires(seed)) server.limits.spool_age_max_ms = 2'000;
    server.durable = durable;
    server.commit_delay_ns_max = random.Percent(30) ? 0 : random.Below(30'000'000);
    // Slower than links come back.
    if (random.Percent(25)) server.commit_delay_ns_max = 2'000'000'000;
    PeerEntry liar;
    liar.name = kLiar;
    liar.allow_plain = true;
    liar.dial = false;
    server.peers.push_back(liar);
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) {
      const uint64_t who = random.Below(3);  // dials: one, the other, both
      for (const auto& [from, to] : {std::pair(i, j), std::pair(j, i)}) {
        PeerEntry entry;
        entry.name = servers[to].name;
        entry.address = SimWorld::AddressOf(to);
        entry.allow_plain = true;
        entry.dial = who == 2 || (who == 0) == (from == i);
        servers[from].peers.push_back(entry);
      }
    }
  }
  return servers;
}

SimFaults Federation::FaultsOf(uint64_t seed) {
  SimRandom random(seed ^ 0x5ca1ab1e);
  SimFaults faults;
  faults.delay_ns_max = random.Percent(20) ? 0 : random.Below(20'000'000);
  faults.tiny_segment_percent = random.Below(40);
  faults.socket_buffer_bytes = 2'000 << random.Below(6);
  faults.starved_percent = random.Below(20);
  return faults;
}

Federation::Federation(uint64_t seed)
    : calm_(Calm(seed)), random_(seed ^ 0xfeedface), world_(seed, FaultsOf(seed), ServersOf(seed)) {
  ledger_.durable = world_.durable();
  ledger_.expires = Expires(seed);
  ledger_.bounces_arrive = calm_ && !ledger_.expires;
  for (uint32_t a = 0; a < world_.server_count(); ++a) {
    for (uint32_t b = 0; b < a; ++b) {
      if (random_.Percent(25)) world_.network().SetDelay(a, b, random_.Below(400'000'000));
    }
  }
}

size_t Federation::ServerOf(const std::string& address) const {
  return static_cast<size_t>(address[address.find('@') + 1] - 'a');
}

// --- the beginning ---

void Federation::SetUp() {
  for (size_t server = 0; server < world_.server_count(); ++server) {
    for (size_t i = 0; i < kUsersPerServer; ++i) {
      const std::string name = "u" + std::to_string(i);
      world_.AddUser(name, server);
      users_.push_back(Address(name, server));
    }
    for (size_t i = 0; i < kChannelsPerServer; ++i) {
      channels_.push_back(Address("#c" + std::to_string(i), server));
    }
  }
  MeetAll();
  JoinAll();
}

void Federation::MeetAll() {
  auto add = [this](const std::string& who, const std::string& whom) {
    world_.Control(ControlKind::kContactAdd, who.substr(0, who.find('@')), whom, ServerOf(who));
  };
  for (const std::string& a : users_) {
    for (const std::string& b : users_) {
      if (b >= a) continue;
      const uint64_t kind = random_.Below(10);
      if (kind < 7) {
        add(a, b);
        add(b, a);
        contacts_.insert({a, b});
        contacts_.insert({b, a});
      } else if (kind < 9 && ServerOf(a) != ServerOf(b)) {
        add(a, b);
        one_sided_.insert({a, b});
      }
    }
  }
}

// By requests of clients: who joins a channel elsewhere needs the link.
void Federation::JoinAll() {
  // The owner's members first: nobody creates a channel from elsewhere.
  for (const std::string& channel : channels_) {
    const size_t server = ServerOf(channel);
    const std::string owner = users_[server * kUsersPerServer];
    world_.Control(ControlKind::kChannelJoin, channel.substr(0, channel.find('@')),
                   owner.substr(0, owner.find('@')), server);
    ledger_.members[channel].insert(owner);
  }
  ledger_.changing.insert(std::string(kChanging));
  world_.Control(ControlKind::kChannelJoin, "#coming.and.going", "u0", 0);
  for (const std::string& user : users_) {
    SimSession session(&world_, 0, static_cast<uint32_t>(ServerOf(user)));
    session.SendLogin(user, kSimFeatures);
    uint16_t tag = 0;
    for (const std::string& channel : channels_) {
      if (!random_.Percent(60)) continue;
      // Until the link is up the answer is 0x43.
      bool joined = false;
      for (int tries = 0; tries < 60 && !joined && world_.problem().empty(); ++tries) {
        session.Send(Join{++tag, "", channel});
        const size_t seen = session.received().size();
        ErrorCode code = ErrorCode::kUnavailable;
        world_.RunUntil([&] {
          for (size_t i = seen; i < session.received().size(); ++i) {
            const std::string& bytes = session.received()[i].bytes;
            Result result;
            if (session.received()[i].type() != PayloadType::kResult) continue;
            Decode(AsBytes(bytes).subspan(kFrameHeaderSize), &result);
            code = result.code;
            if (result.tag == tag) return true;
          }
          return false;
        });
        joined = code == ErrorCode::kNone;
        if (!joined) world_.RunFor(500'000'000);
      }
      if (!joined) ADD_FAILURE() << user << " could not join " << channel;
      ledger_.members[channel].insert(user);
    }
    session.client().Close();
  }
  world_.RunFor(1'000'000'000);
}

// --- what happens ---

std::vector<std::string> Federation::Run() {
  SetUp();
  const uint64_t actions = random_.Between(40, 160);
  for (uint64_t i = 0; i < actions && world_.problem().empty(); ++i) {
    Act();
    NoteSuccess();
  }
  HealAll();
  RunToQuiet();
  LogInAll();
  RunToQuiet();
  std::vector<std::string> wrong;
  if (world_.problem().empty()) wrong = ledger_.Check(true);
  CheckSpools(&wrong);
  CheckLies(&wrong);
  if (!wrong.empty()) {
    std::string text = "connections:\n";
    for (size_t i = 0; i < world_.server_count(); ++i) text += world_.server(i).Describe();
    wrong.push_back(text);
  }
  DrainAll();
  if (!world_.problem().empty()) wrong.push_back(world_.problem());
  for (size_t i = 0; i < world_.server_count(); ++i) {
    const std::string left = world_.server(i).Leftovers();
    if (!left.empty()) wrong.push_back("left over:\n" + left);
  }
  return wrong;
}

// --- the end ---

// With everybody reading again, until no byte has moved for longer than it takes to dial again.
void Federation::RunToQuiet() {
  for (const auto& record : ledger_.sessions) record->session->client().reading = true;
  auto moved = [this] {
    uint64_t bytes = 0;
    for (const auto& record : ledger_.sessions) {
      const SimConnection& connection = record->session->client().connection();
      bytes += connection.up.bytes_arrived + connection.down.bytes_arrived;
    }
    return bytes;
  };
  uint64_t before = UINT64_MAX;
  for (int i = 0; i < 100 && moved() != before && world_.problem().empty(); ++i) {
    before = moved();
    world_.RunFor(15'000'000'000);
  }
  NoteSuccess();
}

void Federation::LogInAll() {
  for (const std::string& user : users_) {
    auto record = std::make_unique<SessionRecord>();
    record->user = user;
    record->receipts = record->acknowledges = true;
    record->session =
        std::make_unique<SimSession>(&world_, 0, static_cast<uint32_t>(ServerOf(user)));
    record->session->acknowledges = true;
    record->session->SendLogin(user, ledger_.durable ? kSimDurableFeatures : kSimFeatures);
    if (ledger_.durable) AskHistories(record.get());
    ledger_.sessions.push_back(std::move(record));
  }
}

// Of chats, which both servers keep, and of channels of the user's own server.
void Federation::AskHistories(SessionRecord* record) {
  std::vector<std::string> with;
  for (const auto& [channel, members] : ledger_.members) {
    if (ServerOf(channel) == ServerOf(record->user) && members.contains(record->user)) {
      with.push_back(channel);
    }
  }
  for (const auto& [a, b] : contacts_) {
    if (a == record->user) with.push_back(b);
  }
  for (const std::string& address : with) {
    const auto tag = static_cast<uint16_t>(record->tags.size() + 1);
    record->tags.push_back(tag);
    record->histories.emplace(tag, address);
    record->session->Send(HistoryRequest{tag, address, 0, kHistoryLimitMax});
  }
}

// Nothing waits for a server that is there.
void Federation::CheckSpools(std::vector<std::string>* wrong) {
  for (size_t i = 0; i < world_.server_count() && world_.problem().empty(); ++i) {
    const SimServer& server = world_.server(i);
    for (uint32_t shard = 0; shard < server.shard_count(); ++shard) {
      for (const PeerStatus& peer : world_.Ask(i, shard, {ControlKind::kPeerList, "", ""}).peers) {
        if (peer.name == kLiar) continue;
        const std::string about = server.name() + "'s peer " + peer.name + ": ";
        if (peer.state != PeerState::kUp) {
          wrong->push_back(about + "state " + std::string(PeerStateName(peer.state)) +
                           ", last error: " + peer.last_error);
        }
        if (peer.spool_messages != 0) {
          wrong->push_back(about + std::to_string(peer.spool_messages) + " still wait");
        }
        if (peer.refused_source + peer.refused_channel + peer.refused_transit != 0) {
          wrong->push_back(about + "was refused what it may say");
        }
      }
    }
  }
}

// Every lie that was read was refused, and counted.
void Federation::CheckLies(std::vector<std::string>* wrong) {
  if (liar_ == nullptr || liar_->client().ended() || !world_.problem().empty()) return;
  uint64_t refused = 0;
  const SimServer& server = world_.server(liar_server_);
  for (uint32_t shard = 0; shard < server.shard_count(); ++shard) {
    const ControlRequest list{ControlKind::kPeerList, "", ""};
    for (const PeerStatus& peer : world_.Ask(liar_server_, shard, list).peers) {
      if (peer.name != kLiar) continue;
      refused +=
          peer.refused_source + peer.refused_channel + peer.refused_transit + peer.refused_other;
    }
  }
  if (refused < lies_) {
    wrong->push_back("of " + std::to_string(lies_) + " lies only " + std::to_string(refused) +
                     " were refused");
  }
}

void Federation::DrainAll() {
  for (size_t i = 0; i < world_.server_count(); ++i) world_.server(i).Drain();
  world_.RunFor(20'000'000'000);
}

}  // namespace solec

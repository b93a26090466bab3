// Servers with links between them, for tests of single rules: a.example with alice, and as its peer
// b.example, either a server too or a session that speaks as one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "unit/shard/stage.h"

namespace solec {

inline constexpr uint32_t kLinkFeatures =
    kFeaturePing | kFeatureReceipts | kFeatureRequests | kFeatureResume;

class LinkStage {
 public:
  // `server_count` 1: only a.example; nobody dials then. `dial` is said of each server of two.
  LinkStage(uint32_t shard_count, size_t server_count,
            const std::function<void(SimServerOptions*)>& adjust = {})
      : world(1, CalmOptions(1).faults, Servers(shard_count, server_count, adjust)) {
    world.AddUser("alice");
    world.AddUser("anna");
    if (server_count > 1) world.AddUser("bob", 1);
    world.Control(ControlKind::kContactAdd, "alice", "bob@b.example");
    if (server_count > 1) world.Control(ControlKind::kContactAdd, "bob", "alice@a.example", 1);
  }
  ~LinkStage() { EXPECT_EQ(world.problem(), ""); }

  std::unique_ptr<SimSession> Connect(uint32_t server = 0) {
    const uint32_t shard = dialled_++ % world.server(server).shard_count();
    return std::make_unique<SimSession>(&world, shard, server);
  }

  std::unique_ptr<SimSession> LogIn(std::string_view name, uint32_t features = 0,
                                    uint32_t server = 0) {
    auto session = Connect(server);
    session->SendLogin(name, features);
    if (features != 0) {
      EXPECT_TRUE(session->Next<Handshake>());
    }
    EXPECT_TRUE(session->Next<Success>()) << name;
    return session;
  }

  // A session that is b.example's link; its stream, if it has one, is not begun yet.
  std::unique_ptr<SimSession> Link(uint32_t features, std::string_view name = "b.example") {
    auto link = Connect();
    link->SendHandshake(features);
    link->Send(ServerAuth{name});
    if (features != 0) {
      const auto answer = link->Next<Handshake>();
      EXPECT_TRUE(answer && answer->features == features);
    }
    EXPECT_TRUE(link->Next<Success>());
    return link;
  }

  // Likewise, with both streams agreed: the peer's is `stream`, of which a.example holds `held`,
  // and of a.example's the peer says that it has `has`.
  std::unique_ptr<SimSession> Resumed(uint64_t stream, uint64_t held, uint64_t has) {
    auto link = Link(kLinkFeatures);
    const auto theirs = link->Next<LinkResume>();
    EXPECT_TRUE(theirs);
    if (theirs) stream_of_a = theirs->stream;
    link->Send(LinkResume{stream, held + 1});
    link->Send(Accepted{has});
    ExpectAccepted(link.get(), held);
    return link;
  }

  void Say(SimSession* link, std::string_view source, std::string_view target,
           std::string_view content) {
    link->Send(Message{source, target, {1}, content});
  }

  // In one Accepted or several.
  static void ExpectAccepted(SimSession* session, uint64_t up_to) {
    uint64_t accepted = 0;
    do {
      const auto next = session->Next<Accepted>();
      ASSERT_TRUE(next) << up_to;
      ASSERT_LE(next->up_to, up_to);
      accepted = next->up_to;
    } while (accepted != up_to);
  }

  PeerStatus Peer(uint32_t server = 0) {
    const std::string name = server == 0 ? "b.example" : "a.example";
    const uint32_t shard = world.server(server).ShardOf(name);
    const ControlReply reply = world.Ask(server, shard, {ControlKind::kPeerList, "", ""});
    for (const PeerStatus& peer : reply.peers) {
      if (peer.name == name) return peer;
    }
    ADD_FAILURE() << "no peer";
    return {};
  }

  SimWorld world;
  uint64_t stream_of_a = 0;

 private:
  static std::vector<SimServerOptions> Servers(
      uint32_t shard_count, size_t count, const std::function<void(SimServerOptions*)>& adjust) {
    std::vector<SimServerOptions> servers;
    for (size_t i = 0; i < count; ++i) {
      SimServerOptions server;
      server.name = i == 0 ? "a.example" : "b.example";
      server.shard_count = shard_count;
      server.password_delay_ns_max = 0;
      server.peers.push_back({i == 0 ? "b.example" : "a.example",
                              count == 1 ? "" : SimWorld::AddressOf(1 - i), "", true, true});
      if (adjust) adjust(&server);
      servers.push_back(std::move(server));
    }
    return servers;
  }
  uint32_t dialled_ = 0;
};

}  // namespace solec

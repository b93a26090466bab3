// Two servers and the link between them: what users on both sides see.

#include <string>

#include "unit/shard/link_stage.h"

namespace solec {
namespace {

bool Up(LinkStage* stage) {
  for (int i = 0; i < 100; ++i) {
    if (stage->Peer(0).state == PeerState::kUp && stage->Peer(1).state == PeerState::kUp) {
      return true;
    }
    stage->world.RunFor(100'000'000);
  }
  return false;
}

ErrorCode Ask(SimSession* session, uint16_t tag) {
  while (const SimSession::Received* next = session->Next()) {
    Result result;
    if (next->type() != PayloadType::kResult) continue;
    EXPECT_EQ(Decode(AsBytes(next->bytes).subspan(kFrameHeaderSize), &result), DecodeError::kNone);
    EXPECT_EQ(result.tag, tag);
    return result.code;
  }
  ADD_FAILURE() << "no Result for " << tag;
  return ErrorCode::kNone;
}

TEST(Federation, OfTwoServersThatBothDialOneLinkStays) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 2);
    ASSERT_TRUE(Up(&stage));
    stage.world.RunFor(60'000'000'000);
    const PeerStatus at_a = stage.Peer(0), at_b = stage.Peer(1);
    EXPECT_EQ(at_a.state, PeerState::kUp);
    EXPECT_EQ(at_b.state, PeerState::kUp);
    EXPECT_NE(at_a.dialled, at_b.dialled);
    EXPECT_GT(at_a.state_ms, 50'000u);
    EXPECT_GT(at_b.state_ms, 50'000u);
    uint64_t connections = 0;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      connections += stage.world.server(0).core(shard).connections().count();
    }
    EXPECT_EQ(connections, 1u);
  }
}

TEST(Federation, UsersOfTwoServersWriteToEachOther) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 2);
    ASSERT_TRUE(Up(&stage));
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob", 0, 1);
    alice->SendMessage("bob@B.example", "hello");
    ExpectMessage(bob.get(), "alice@a.example", "bob@b.example", "hello");
    bob->SendMessage("alice@a.example", "hello yourself");
    ExpectMessage(alice.get(), "bob@b.example", "alice@a.example", "hello yourself");
    alice->SendMessage("carol@b.example", "no contact");
    ExpectError(alice.get(), ErrorCode::kNotFound);
    alice->SendMessage("bob@c.example", "no such server");
    ExpectError(alice.get(), ErrorCode::kNotFound);
    ExpectNothing(bob.get());
  }
}

TEST(Echoes, ComeBackInAnyOrderAndOnce) {
  Echoes echoes;
  echoes.Add(1);
  echoes.Add(2);
  EXPECT_TRUE(echoes.Take(2));
  EXPECT_TRUE(echoes.Take(1));
  EXPECT_FALSE(echoes.Take(1));
  for (uint64_t hash = 0; hash <= Echoes::kMax; ++hash) echoes.Add(hash);
  EXPECT_FALSE(echoes.Take(0));
  EXPECT_TRUE(echoes.Take(1));
}

TEST(Federation, AChannelIsSharedAndItsSenderGetsNoEcho) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 2);
    ASSERT_TRUE(Up(&stage));
    auto alice = stage.LogIn("alice", kSimFeatures), other = stage.LogIn("alice");
    auto anna = stage.LogIn("anna", kSimFeatures), bob = stage.LogIn("bob", kSimFeatures, 1);
    alice->Send(Join{1, "", "#room@b.example"});  // nobody creates a channel from elsewhere
    EXPECT_EQ(Ask(alice.get(), 1), ErrorCode::kNotFound);
    bob->Send(Join{2, "", "#room"});
    EXPECT_EQ(Ask(bob.get(), 2), ErrorCode::kNone);
    alice->SendMessage("#room@b.example", "no member");
    EXPECT_TRUE(alice->Next<Rejected>());
    EXPECT_TRUE(alice->Next<Accepted>());
    for (SimSession* session : {alice.get(), anna.get()}) {
      session->Send(Join{3, "", "#room@B.example"});
      EXPECT_EQ(Ask(session, 3), ErrorCode::kNone);
    }
    for (const char* content : {"one", "one", "two"}) {
      alice->SendMessage("#room@b.example", content);
      for (SimSession* session : {other.get(), anna.get(), bob.get()}) {
        ExpectMessage(session, "alice@a.example", "#room@b.example", content);
      }
      EXPECT_TRUE(alice->Next<Accepted>());
    }
    bob->SendMessage("#room", "from its server");
    for (SimSession* session : {alice.get(), other.get(), anna.get()}) {
      ExpectMessage(session, "bob@b.example", "#room@b.example", "from its server");
    }
    anna->Send(Leave{4, "", "#room@b.example"});
    EXPECT_EQ(Ask(anna.get(), 4), ErrorCode::kNone);
    bob->SendMessage("#room", "without her");
    ExpectMessage(alice.get(), "bob@b.example", "#room@b.example", "without her");
    ExpectNothing(anna.get());
    ExpectNothing(alice.get());
  }
}

TEST(Federation, WithoutALinkJoinsFailAndMessagesWait) {
  LinkStage stage(1, 2, [](SimServerOptions* server) {
    if (server->name == "b.example") server->peers.clear();
    else server->peers[0].dial = false;
  });
  auto alice = stage.LogIn("alice", kSimFeatures);
  alice->Send(Join{1, "", "#room@b.example"});
  EXPECT_EQ(Ask(alice.get(), 1), ErrorCode::kUnavailable);
  alice->SendMessage("bob@b.example", "waits");
  EXPECT_TRUE(alice->Next<Accepted>());
  EXPECT_EQ(stage.Peer().spool_messages, 1u);
  EXPECT_EQ(stage.Peer().state, PeerState::kIdle);
}

TEST(Federation, APeersAreAddedChangedAndRemovedByAReload) {
  LinkStage stage(1, 2);
  ASSERT_TRUE(Up(&stage));
  auto reload = [&](std::vector<PeerEntry> peers) {
    stage.world.server(0).Submit(0, [peers](ShardCore& core) {
      core.Reconfigure(Limits{}, Policy{}, peers);
    });
    stage.world.RunFor(1'000'000);
  };
  auto alice = stage.LogIn("alice", kSimFeatures);
  reload({});
  alice->SendMessage("bob@b.example", "unknown server");
  EXPECT_TRUE(alice->Next<Rejected>());
  EXPECT_TRUE(alice->Next<Accepted>());
  stage.world.RunFor(5'000'000'000);
  EXPECT_NE(stage.Peer(1).state, PeerState::kUp);
  reload({{"b.example", SimWorld::AddressOf(1), "", true, true}});
  ASSERT_TRUE(Up(&stage));
  auto bob = stage.LogIn("bob", 0, 1);
  alice->SendMessage("bob@b.example", "known again");
  ExpectMessage(bob.get(), "alice@a.example", "bob@b.example", "known again");
  // The same again changes nothing.
  const uint64_t links = stage.Peer(0).links;
  reload({{"b.example", SimWorld::AddressOf(1), "", true, true}});
  stage.world.RunFor(1'000'000'000);
  EXPECT_EQ(stage.Peer(0).links, links);
}

TEST(Federation, ATestOfAPeerNamesTheStepThatFails) {
  LinkStage stage(1, 2, [](SimServerOptions* server) {
    if (server->name == "b.example") server->peers[0].name = "other.example";
  });
  const ControlReply reply =
      stage.world.Ask(0, 0, {ControlKind::kPeerTest, "b.example", ""});
  ASSERT_EQ(reply.steps.size(), kLinkTestSteps);
  for (const LinkTestStep& step : reply.steps) {
    const bool plain = step.step == LinkStep::kTls || step.step == LinkStep::kPin;
    const LinkTestResult expected = step.step == LinkStep::kAuth ? LinkTestResult::kFailed
                                    : plain                      ? LinkTestResult::kSkipped
                                                                 : LinkTestResult::kOk;
    EXPECT_EQ(step.result, expected) << LinkStepName(step.step);
  }
  EXPECT_EQ(stage.world.Ask(0, 0, {ControlKind::kPeerTest, "c.example", ""}).status,
            ControlStatus::kNotFound);
}

}  // namespace
}  // namespace solec

// Links as a peer sees them: who may have one, what may be said over it, and the two streams.

#include <string>

#include "unit/shard/link_stage.h"

namespace solec {
namespace {

TEST(Links, AreForServersThatTheConfigurationNames) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 1);
    auto stranger = stage.Connect();
    stranger->SendHandshake(0);
    stranger->Send(ServerAuth{"c.example"});
    ExpectError(stranger.get(), ErrorCode::kServerAuthFailed);
    ExpectEnd(stranger.get());
    auto folded = stage.Link(0, "B.Example");
    ExpectNothing(folded.get());
    EXPECT_EQ(stage.Peer().state, PeerState::kUp);
  }
}

TEST(Links, AreNotPlainUnlessTheEntrySaysSo) {
  LinkStage stage(1, 1, [](SimServerOptions* server) {
    server->peers[0].allow_plain = false;
    server->peers[0].pin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  });
  auto link = stage.Connect();
  link->SendHandshake(kLinkFeatures);
  link->Send(ServerAuth{"b.example"});
  EXPECT_TRUE(link->Next<Handshake>());
  ExpectError(link.get(), ErrorCode::kServerAuthFailed);
  ExpectEnd(link.get());
  EXPECT_EQ(stage.Peer().last_error_step, LinkStep::kPin);
}

// Without extensions there are no numbers, and what is refused is answered with Error.
TEST(Links, CarryMessagesBothWaysForAPeerThatKnowsNoExtensions) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 1);
    auto alice = stage.LogIn("alice");
    auto link = stage.Link(0);
    stage.Say(link.get(), "bob@b.example", "alice@a.example", "hello");
    ExpectMessage(alice.get(), "bob@b.example", "alice@a.example", "hello");
    stage.Say(link.get(), "carol@b.example", "alice@a.example", "a stranger");
    ExpectError(link.get(), ErrorCode::kNotFound);
    alice->SendMessage("bob@b.example", "and you");
    ExpectMessage(link.get(), "alice@a.example", "bob@b.example", "and you");
    ExpectNothing(alice.get());
    ExpectNothing(link.get());
    EXPECT_EQ(stage.Peer().spool_messages, 0u);  // its TCP has it
  }
}

TEST(Links, RefuseForgedSourcesForeignChannelsAndTransit) {
  for (const uint32_t shards : kShardCounts) {
    LinkStage stage(shards, 1);
    auto alice = stage.LogIn("alice", kSimFeatures);
    auto link = stage.Resumed(7, 0, 0);
    const std::string_view refused[][2] = {{"anna@a.example", "alice@a.example"},
                                           {"carol@c.example", "alice@a.example"},
                                           {"bob@b.example", "#room@c.example"},
                                           {"bob@b.example", "carol@c.example"},
                                           {"bob@b.example", "server@a.example"},
                                           {"bob@b.example", "alice"}};
    uint64_t number = 0;
    for (const auto& [source, target] : refused) {
      stage.Say(link.get(), source, target, "");
      const auto answer = link->Next<Rejected>();
      ASSERT_TRUE(answer) << source << " to " << target;
      EXPECT_EQ(answer->number, ++number);
      EXPECT_EQ(answer->code, ErrorCode::kNotFound);
      LinkStage::ExpectAccepted(link.get(), number);
    }
    ExpectNothing(alice.get());
    const PeerStatus peer = stage.Peer();
    EXPECT_EQ(peer.refused_source, 2u);
    EXPECT_EQ(peer.refused_channel, 1u);
    EXPECT_EQ(peer.refused_transit, 1u);
    EXPECT_EQ(peer.refused_other, 2u);
  }
}

TEST(Links, GoOnWithAStreamWhereItWasCut) {
  for (const uint32_t shards : kShardCounts) {
    for (const bool durable : {false, true}) {
      LinkStage stage(shards, 1, [&](SimServerOptions* server) { server->durable = durable; });
      auto alice = stage.LogIn("alice", kSimFeatures);
      auto link = stage.Resumed(7, 0, 0);
      for (const char* content : {"one", "two"}) {
        stage.Say(link.get(), "bob@b.example", "alice@a.example", content);
        ExpectMessage(alice.get(), "bob@b.example", "alice@a.example", content);
      }
      LinkStage::ExpectAccepted(link.get(), 2);
      link->client().Reset();
      // The peer has not seen that: it says 1 and is told 2.
      link = stage.Resumed(7, 2, 0);
      stage.Say(link.get(), "bob@b.example", "alice@a.example", "three");
      ExpectMessage(alice.get(), "bob@b.example", "alice@a.example", "three");
      LinkStage::ExpectAccepted(link.get(), 3);
      // Another stream begins at its beginning.
      link = stage.Resumed(8, 0, 0);
      stage.Say(link.get(), "bob@b.example", "alice@a.example", "four");
      ExpectMessage(alice.get(), "bob@b.example", "alice@a.example", "four");
      LinkStage::ExpectAccepted(link.get(), 1);
      if (!durable) continue;
      // What was accepted is held after a crash too.
      stage.world.Crash();
      alice = stage.LogIn("alice", kSimFeatures);
      link = stage.Resumed(8, 1, 0);
    }
  }
}

TEST(Links, BringWhatWaitedOnceTheyComeUpAndAgainUntilItIsAccepted) {
  for (const uint32_t shards : kShardCounts) {
    for (const bool durable : {false, true}) {
      LinkStage stage(shards, 1, [&](SimServerOptions* server) { server->durable = durable; });
      auto alice = stage.LogIn("alice", kSimFeatures);
      for (const char* content : {"one", "two", "three"}) {
        alice->SendMessage("bob@b.example", content);
      }
      while (alice->Next<Accepted>()) {
      }
      EXPECT_EQ(stage.Peer().spool_messages, 3u);
      auto link = stage.Resumed(7, 0, 0);
      const uint64_t stream = stage.stream_of_a;
      for (const char* content : {"one", "two", "three"}) {
        ExpectMessage(link.get(), "alice@a.example", "bob@b.example", content);
      }
      link->Send(Accepted{1});
      stage.world.RunFor(1'000'000'000);
      link->client().Reset();
      stage.world.RunFor(10'000'000);
      if (durable) stage.world.Crash();
      // It holds two by now.
      link = stage.Resumed(7, 0, 2);
      EXPECT_EQ(stage.stream_of_a, stream);
      ExpectMessage(link.get(), "alice@a.example", "bob@b.example", "three");
      link->Send(Accepted{3});
      ExpectNothing(link.get());
      stage.world.RunFor(1'000'000'000);
      EXPECT_EQ(stage.Peer().spool_messages, 0u);
    }
  }
}

// A peer that holds more than there ever was has seen a later store than this one.
TEST(Links, BeginAnotherStreamWhereTheOldOneCannotGoOn) {
  for (const uint64_t has : {uint64_t{0}, uint64_t{17}}) {
    LinkStage stage(1, 1);
    auto alice = stage.LogIn("alice", kSimFeatures);
    alice->SendMessage("bob@b.example", "one");
    auto link = stage.Resumed(7, 0, 0);
    ExpectMessage(link.get(), "alice@a.example", "bob@b.example", "one");
    link->Send(Accepted{1});
    stage.world.RunFor(1'000'000'000);
    link->client().Reset();
    stage.world.RunFor(10'000'000);
    const uint64_t stream = stage.stream_of_a;
    alice->SendMessage("bob@b.example", "two");
    link = stage.Resumed(7, 0, has);
    const auto again = link->Next<LinkResume>();
    ASSERT_TRUE(again);
    EXPECT_NE(again->stream, stream);
    EXPECT_EQ(again->next, 1u);
    link->Send(Accepted{0});
    ExpectMessage(link.get(), "alice@a.example", "bob@b.example", "two");
  }
}

// Also if the link ends at once: the spool keeps it until the sender was told.
TEST(Links, TellTheSenderWhatThePeerRejected) {
  for (const bool durable : {false, true}) {
    LinkStage stage(durable ? 1 : 3, 1, [&](SimServerOptions* server) {
      server->durable = durable;
    });
    auto alice = stage.LogIn("alice", kSimFeatures), plain = stage.LogIn("alice");
    auto link = stage.Resumed(7, 0, 0);
    alice->SendMessage("bob@b.example", "one");
    alice->SendMessage("bob@b.example", "two");
    EXPECT_TRUE(link->Next<Message>());
    EXPECT_TRUE(link->Next<Message>());
    link->Send(Rejected{1, ErrorCode::kNotFound});
    link->Send(Accepted{2});
    link->client().FinishWriting();
    stage.world.RunFor(1'000'000'000);
    const SimSession::Received* last = nullptr;
    while (const SimSession::Received* next = alice->Next()) last = next;
    Bounce bounce;
    ASSERT_TRUE(last != nullptr && last->type() == PayloadType::kBounce);
    ASSERT_EQ(Decode(AsBytes(last->bytes).subspan(kFrameHeaderSize), &bounce), DecodeError::kNone);
    EXPECT_EQ(bounce.target, "bob@b.example");
    EXPECT_EQ(bounce.timestamp.seconds, 1u);
    EXPECT_EQ(bounce.code, ErrorCode::kNotFound);
    ExpectError(plain.get(), ErrorCode::kNotFound);
    EXPECT_EQ(stage.Peer().bounced, 1u);
    ExpectNothing(alice.get());
  }
}

TEST(Links, BounceWhatWaitedTooLong) {
  for (const bool online : {true, false}) {
    LinkStage stage(1, 1, [](SimServerOptions* server) {
      server->limits.spool_age_max_ms = 5'000;
    });
    auto alice = stage.LogIn("alice", kSimFeatures);
    alice->SendMessage("bob@b.example", "one");
    EXPECT_TRUE(alice->Next<Accepted>());
    if (!online) alice->client().Close();
    stage.world.RunFor(4'000'000'000);
    EXPECT_EQ(stage.Peer().spool_messages, 1u);
    stage.world.RunFor(20'000'000'000);
    EXPECT_EQ(stage.Peer().spool_messages, 0u);
    if (!online) {
      alice = stage.LogIn("alice");
      const auto message = alice->Next<Message>();
      ASSERT_TRUE(message);
      EXPECT_EQ(message->source, "server@a.example");
      EXPECT_NE(message->message_content.find("bob@b.example"), std::string_view::npos);
      continue;
    }
    const auto bounce = alice->Next<Bounce>();
    ASSERT_TRUE(bounce);
    EXPECT_EQ(bounce->code, ErrorCode::kUnavailable);
  }
}

TEST(Links, EndWhenThePeerBreaksTheRules) {
  const auto expect_end = [](const std::function<void(SimSession*)>& say, ErrorCode code) {
    LinkStage stage(1, 1);
    auto link = stage.Link(kLinkFeatures);
    EXPECT_TRUE(link->Next<LinkResume>());
    say(link.get());
    ExpectError(link.get(), code);
    ExpectEnd(link.get());
    EXPECT_NE(stage.Peer().state, PeerState::kUp);
  };
  expect_end([](SimSession* link) { link->SendMessage("alice@a.example", "", "bob@b.example"); },
             ErrorCode::kNotAllowed);  // before its LinkResume
  expect_end([](SimSession* link) { link->Send(UserAuth{"alice", "secret"}); },
             ErrorCode::kNotAllowed);
  expect_end([](SimSession* link) { link->Send(Success{}); }, ErrorCode::kNotAllowed);
  expect_end([](SimSession* link) {
    link->Send(Accepted{0});
    link->Send(Accepted{1});
  }, ErrorCode::kNotAllowed);
  expect_end([](SimSession* link) {
    link->Send(Accepted{0});
    link->Send(Rejected{1, ErrorCode::kNotFound});
  }, ErrorCode::kNotAllowed);
  const uint8_t short_ping[] = {0x40, 0, 1, 7};
  expect_end([&](SimSession* link) { link->SendRaw(short_ping); }, ErrorCode::kMalformed);
}

TEST(Links, EndWhenThePeerIsSilent) {
  LinkStage stage(1, 1);
  auto link = stage.Link(kLinkFeatures);
  EXPECT_TRUE(link->Next<LinkResume>());
  stage.world.RunFor(31'000'000'000);
  const auto ping = link->Next<Ping>();
  ASSERT_TRUE(ping);
  link->Send(Pong{ping->token});
  stage.world.RunFor(31'000'000'000);
  EXPECT_TRUE(link->Next<Ping>());
  ExpectEnd(link.get());
  EXPECT_EQ(stage.world.CountClosed(CloseReason::kLinkSilent), 1u);
}

TEST(Links, ALaterOneOfTheSameSideTakesThePlaceOfTheOld) {
  LinkStage stage(1, 1);
  auto first = stage.Link(0), second = stage.Link(0);
  ExpectEnd(first.get());
  auto alice = stage.LogIn("alice");
  alice->SendMessage("bob@b.example", "hello");
  ExpectMessage(second.get(), "alice@a.example", "bob@b.example", "hello");
}

}  // namespace
}  // namespace solec

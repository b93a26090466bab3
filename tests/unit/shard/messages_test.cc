// Section 8 of the protocol, and receipts and pings of section 9.

#include <algorithm>
#include <vector>

#include "unit/shard/stage.h"

namespace solec {
namespace {

TEST(ShardCore, FillsInFullAddresses) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    alice->SendMessage("bob", "1");
    alice->SendMessage("bob@A.Example", "2", "alice");
    alice->SendMessage("bob", "3", "alice@a.example");
    for (const char* content : {"1", "2", "3"}) {
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", content);
    }
  }
}

TEST(ShardCore, PassesFullAddressesOnByteForByte) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    const Message message{
        "alice@a.example", "bob@a.example", {0x0123456789abcdef}, "text \xC3\xA4"};
    std::string bytes;
    AppendFrame(message, &bytes);
    alice->Send(message);
    const SimSession::Received* received = bob->Next();
    ASSERT_NE(received, nullptr);
    EXPECT_EQ(received->bytes, bytes);
  }
}

TEST(ShardCore, DeliversToEveryLiveSessionOfAUser) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), first = stage.LogIn("bob"), second = stage.LogIn("bob");
    alice->SendMessage("bob", "hello");
    ExpectMessage(first.get(), "alice@a.example", "bob@a.example", "hello");
    ExpectMessage(second.get(), "alice@a.example", "bob@a.example", "hello");
    ExpectNothing(alice.get());
  }
}

TEST(ShardCore, AnswersForgedSourceWithNotFound) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    for (const char* source :
         {"bob", "carol@a.example", "alice@b.example", "#alice", "server", "@"}) {
      alice->SendMessage("bob", "forged", source);
      ExpectError(alice.get(), ErrorCode::kNotFound);
      // The right way is known from here on, and still no way round the source.
      alice->SendMessage("bob", "true");
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "true");
    }
    ExpectNothing(bob.get());
  }
}

TEST(ShardCore, AnswersWhoeverCannotBeReachedWithNotFound) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    stage.world.Control(ControlKind::kContactAdd, "alice", "carol");  // one side is not enough,
    stage.world.Control(ControlKind::kContactAdd, "dave", "alice");   // nor is the other
    stage.world.JoinChannel("bob", "#room");
    auto alice = stage.LogIn("alice"), carol = stage.LogIn("carol"), dave = stage.LogIn("dave");
    for (const char* target : {"carol", "dave", "nobody", "bob@b.example", "#room", "#nowhere", "",
                               "a b", "#room@b.example"}) {
      alice->SendMessage(target, "text");
      ExpectError(alice.get(), ErrorCode::kNotFound);
    }
    ExpectNothing(carol.get());
    ExpectNothing(dave.get());
  }
}

TEST(ShardCore, LooksAgainWhenAContactIsRemoved) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    for (const char* remover : {"alice", "bob"}) {
      alice->SendMessage("bob", "before");
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "before");
      const std::string other = remover == std::string("alice") ? "bob" : "alice";
      stage.world.Control(ControlKind::kContactRemove, remover, other);
      alice->SendMessage("bob", "after");
      ExpectError(alice.get(), ErrorCode::kNotFound);
      stage.world.Control(ControlKind::kContactAdd, remover, other);
    }
    ExpectNothing(bob.get());
  }
}

TEST(ShardCore, KnowsNothingOfAUserWhoWasRemovedAndCreatedAgain) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    stage.world.JoinChannel("alice", "#room");
    stage.world.JoinChannel("bob", "#room");
    auto alice = stage.LogIn("alice"), old_bob = stage.LogIn("bob");
    alice->SendMessage("bob", "before");
    ExpectMessage(old_bob.get(), "alice@a.example", "bob@a.example", "before");
    stage.world.Control(ControlKind::kUserRemove, "bob");
    ExpectError(old_bob.get(), ErrorCode::kUserAuthFailed);
    ExpectEnd(old_bob.get());
    alice->SendMessage("bob", "to nobody");
    ExpectError(alice.get(), ErrorCode::kNotFound);
    stage.world.AddUser("bob");
    auto bob = stage.LogIn("bob", kSimFeatures);
    alice->SendMessage("bob", "to somebody else");
    ExpectError(alice.get(), ErrorCode::kNotFound);
    alice->SendMessage("#room", "for members");
    bob->Send(List{7, ListKind::kChannels, ""});
    EXPECT_EQ(bob->Next<Result>()->tag, 7);
    bob->Send(List{8, ListKind::kContacts, ""});
    EXPECT_EQ(bob->Next<Result>()->tag, 8);
    ExpectNothing(bob.get());
    const ControlReply members = stage.world.Control(ControlKind::kChannelMembers, "#room");
    ASSERT_EQ(members.items.size(), 1u);
    EXPECT_EQ(members.items[0].text, "alice@a.example");
  }
}

TEST(ShardCore, KeepsMessagesForUsersWhoAreAwayInOrder) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice");
    constexpr int kCount = 300;  // several pages
    const std::string filling(1'000, 'x');
    for (int i = 0; i < kCount; ++i) alice->SendMessage("bob", std::to_string(i) + filling);
    ExpectNothing(alice.get());
    auto bob = stage.LogIn("bob");
    alice->SendMessage("bob", "new");  // comes behind what waits
    for (int i = 0; i < kCount; ++i) {
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", std::to_string(i) + filling);
    }
    ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "new");
    bob->client().Close();
    stage.world.RunFor(100'000'000);
    auto again = stage.LogIn("bob");
    ExpectNothing(again.get());
  }
}

TEST(ShardCore, AnswersUnavailableWhenNoMoreMayWait) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* o) { o->limits.waiting_bytes_per_user_max = 1'000; });
    auto alice = stage.LogIn("alice", kSimFeatures);
    const std::string content(600, 'x');
    alice->SendMessage("bob", content);
    EXPECT_EQ(alice->Next<Accepted>()->up_to, 1u);
    alice->SendMessage("bob", content);
    EXPECT_EQ(alice->Next<Rejected>()->code, ErrorCode::kUnavailable);
  }
}

TEST(ShardCore, RefusesContentsOverTheLimitAndGoesOn) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    for (const char* target : {"bob", "server"}) {
      alice->SendMessage(target, std::string(kContentBytesMax + 1, 'x'));
      ExpectError(alice.get(), ErrorCode::kOverLimit);
    }
    const std::string largest(kContentBytesMax, 'x');
    alice->SendMessage("bob", largest);
    ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", largest);
  }
}

TEST(ShardCore, EndsWhoGoesOnOverALimitAndNoOneElse) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* o) { o->limits.message_bytes_max = 10; });
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    for (int run = 0; run < 2; ++run) {
      for (int i = 0; i < 4'096; ++i) alice->SendMessage("bob", "more than ten bytes");
      for (int i = 0; i < 4'096; ++i) ExpectError(alice.get(), ErrorCode::kOverLimit);
      if (run == 1) break;
      alice->SendMessage("bob", "in between");  // and the count begins again
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "in between");
    }
    alice->SendMessage("bob", "more than ten bytes");
    ExpectError(alice.get(), ErrorCode::kOverLimit);
    ExpectEnd(alice.get());
    bob->SendMessage("bob", "not me");
    ExpectError(bob.get(), ErrorCode::kNotFound);
  }
}

TEST(ShardCore, RefusesMessagesOverTheRateOfTheirUser) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* o) { o->limits.messages_per_second_max = 10; });
    auto first = stage.LogIn("alice"), second = stage.LogIn("alice"), bob = stage.LogIn("bob");
    for (int i = 0; i < 6; ++i) {
      first->SendMessage("bob", "text");
      second->SendMessage("bob", "text");
    }
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(bob->Next<Message>());
    ExpectNothing(bob.get());
    EXPECT_EQ(first->received().size() + second->received().size(), 2u + 2u);  // with Success
    stage.world.RunFor(1'000'000'000);
    first->SendMessage("bob", "again");
    EXPECT_TRUE(bob->Next<Message>());
  }
}

TEST(ShardCore, ClosesOnMalformedPayloads) {
  const std::string bad_utf8 = "\xC3";
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto expect_malformed = [&](auto&& send) {
      auto alice = stage.LogIn("alice", kSimFeatures);
      send(alice.get());
      alice->SendMessage("bob", "never looked at");
      ExpectError(alice.get(), ErrorCode::kMalformed);
      ExpectEnd(alice.get());
    };
    expect_malformed([&](SimSession* s) { s->SendMessage("bob", bad_utf8); });
    expect_malformed([&](SimSession* s) { s->SendMessage(bad_utf8, "text"); });
    expect_malformed([&](SimSession* s) { s->SendMessage("bob", "text", bad_utf8); });
    // A byte too few, and one too many.
    for (const int change : {-1, 1}) {
      expect_malformed([&](SimSession* s) {
        std::string bytes;
        AppendFrame(Message{"", "bob", {1}, "text"}, &bytes);
        bytes.resize(bytes.size() + static_cast<size_t>(change), 'x');
        bytes[2] = static_cast<char>(bytes[2] + change);
        s->SendRaw(AsBytes(bytes));
      });
    }
    const uint8_t ping[] = {0x40, 0, 3, 1, 2, 3};
    expect_malformed([&](SimSession* s) { s->SendRaw(ping); });
    const uint8_t list[] = {0x4A, 0, 2, 1, 2};
    expect_malformed([&](SimSession* s) { s->SendRaw(list); });
    auto bob = stage.LogIn("bob");
    ExpectNothing(bob.get());
  }
}

TEST(ShardCore, ClosesOnTypesThatAClientMayNotSend) {
  Stage stage(1);
  for (const int type : {0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x07, 0x3F, 0x44, 0x45, 0x4B, 0x4C,
                         0x4D, 0x4E, 0x4F, 0x60, 0xFE}) {
    auto alice = stage.LogIn("alice", kSimFeatures);
    const uint8_t frame[] = {static_cast<uint8_t>(type), 0, 0};
    alice->SendRaw(frame);
    ExpectError(alice.get(), ErrorCode::kNotAllowed);
    ExpectEnd(alice.get());
  }
  // And on extensions that were not agreed.
  for (const int type : {0x40, 0x41, 0x42, 0x43, 0x46, 0x47, 0x48, 0x49, 0x4A}) {
    auto alice = stage.LogIn("alice");
    const uint8_t frame[] = {static_cast<uint8_t>(type), 0, 0};
    alice->SendRaw(frame);
    ExpectError(alice.get(), ErrorCode::kNotAllowed);
    ExpectEnd(alice.get());
  }
}

// --- extensions ---

TEST(ShardCore, AnswersPingWithItsToken) {
  Stage stage(3);
  auto alice = stage.LogIn("alice", kFeaturePing);
  for (const uint32_t token : {0u, 0xFFFFFFFFu, 7u}) {
    alice->Send(Ping{token});
    EXPECT_EQ(alice->Next<Pong>()->token, token);
  }
}

TEST(ShardCore, AcceptsMessagesCumulativelyWithinTwentyMilliseconds) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    stage.world.JoinChannel("alice", "#room");
    auto alice = stage.LogIn("alice", kSimFeatures);
    uint64_t number = 0;
    for (const char* target : {"bob", "#room", "server"}) {  // bob is away: it is kept
      const uint64_t sent_ns = stage.world.now_ns();
      for (int i = 0; i < 100; ++i) alice->SendMessage(target, "help");
      number += 100;
      uint64_t up_to = 0;
      while (up_to < number) {
        const SimSession::Received* next = alice->Next();
        ASSERT_NE(next, nullptr) << up_to;
        if (next->type() != PayloadType::kAccepted) continue;
        Accepted accepted;
        Decode(AsBytes(next->bytes).subspan(kFrameHeaderSize), &accepted);
        EXPECT_GT(accepted.up_to, up_to);
        up_to = accepted.up_to;
        EXPECT_LE(next->at_ns - sent_ns, kReceiptDelayMaxMs * 1'000'000);
      }
      EXPECT_EQ(up_to, number);
    }
  }
}

TEST(ShardCore, RejectsByNumberWhereReceiptsAreAgreed) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice", kSimFeatures), bob = stage.LogIn("bob");
    alice->SendMessage("bob", "1");
    alice->SendMessage("nobody", "2");
    alice->SendMessage("carol", "3");
    alice->SendMessage("bob", "4", "bob");
    alice->SendMessage("bob", std::string(kContentBytesMax + 1, 'x'));
    alice->SendMessage("bob", "6");
    std::vector<uint64_t> rejected;
    uint64_t up_to = 0;
    while (up_to < 6) {
      const SimSession::Received* next = alice->Next();
      ASSERT_NE(next, nullptr);
      const Bytes payload = AsBytes(next->bytes).subspan(kFrameHeaderSize);
      Rejected one;
      Accepted accepted;
      if (next->type() == PayloadType::kRejected) {
        ASSERT_EQ(Decode(payload, &one), DecodeError::kNone);
        EXPECT_GT(one.number, up_to);
        EXPECT_EQ(one.code, one.number == 5 ? ErrorCode::kOverLimit : ErrorCode::kNotFound);
        rejected.push_back(one.number);
      } else {
        ASSERT_EQ(next->type(), PayloadType::kAccepted);
        ASSERT_EQ(Decode(payload, &accepted), DecodeError::kNone);
        up_to = accepted.up_to;
      }
    }
    std::sort(rejected.begin(), rejected.end());
    EXPECT_EQ(rejected, (std::vector<uint64_t>{2, 3, 4, 5}));
    ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "1");
    ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "6");
  }
}

// Whoever agrees on receipts and says that it has nothing yet takes nothing away by being there.
TEST(ShardCore, WhatAPeerDoesNotAcknowledgeComesAgain) {
  for (const uint32_t shards : kShardCounts) {
    for (const bool durable : {false, true}) {
      Stage stage(shards, [&](SimOptions* options) { options->durable = durable; });
      auto alice = stage.LogIn("alice");
      alice->SendMessage("bob", "one");
      alice->SendMessage("bob", "two");
      ExpectNothing(alice.get());
      for (int times = 0; times < 2; ++times) {
        auto looks_away = stage.LogIn("bob", kSimFeatures);
        looks_away->Send(Accepted{0});
        ExpectMessage(looks_away.get(), "alice@a.example", "bob@a.example", "one");
        ExpectMessage(looks_away.get(), "alice@a.example", "bob@a.example", "two");
        looks_away->client().FinishWriting();
        EXPECT_TRUE(looks_away->Ended());
      }
      auto bob = stage.LogIn("bob", kSimFeatures);
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "one");
      bob->Send(Accepted{1});
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "two");
      bob->Send(Accepted{2});
      stage.world.RunFor(10'000'000);
      bob->client().Reset();
      stage.world.RunFor(10'000'000);
      auto again = stage.LogIn("bob");
      ExpectNothing(again.get());
    }
  }
}

// A peer that agreed on receipts for its own messages only, and leaves in order, has had them.
TEST(ShardCore, WhoLeavesInOrderAndNeverSentAReceiptHasHadWhatTcpAcknowledged) {
  Stage stage(1, [](SimOptions* options) { options->durable = true; });
  auto alice = stage.LogIn("alice");
  for (const uint32_t features : {0u, kSimFeatures}) {
    auto bob = stage.LogIn("bob", features);
    alice->SendMessage("bob", "once");
    ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", "once");
    stage.world.RunFor(10'000'000);
    bob->client().FinishWriting();
    EXPECT_TRUE(bob->Ended());
    auto again = stage.LogIn("bob");
    ExpectNothing(again.get());
    again->client().Close();
    stage.world.RunFor(10'000'000);
  }
}

// The second session reads what the first has not acknowledged; what comes meanwhile reaches both,
// in order, once.
TEST(ShardCore, ASessionCatchesUpWhileTheOtherIsLive) {
  for (const bool durable : {false, true}) {
    Stage stage(1, [&](SimOptions* options) {
      options->durable = durable;
      options->commit_delay_ns_max = 3'000'000;
    });
    auto alice = stage.LogIn("alice");
    for (int i = 0; i < 100; ++i) alice->SendMessage("bob", std::to_string(i));
    auto first = stage.LogIn("bob", kSimFeatures);
    for (int i = 100; i < 200; ++i) alice->SendMessage("bob", std::to_string(i));
    auto second = stage.LogIn("bob", kSimFeatures);
    for (int i = 200; i < 300; ++i) alice->SendMessage("bob", std::to_string(i));
    for (SimSession* session : {first.get(), second.get()}) {
      for (int i = 0; i < 300; ++i) {
        ExpectMessage(session, "alice@a.example", "bob@a.example", std::to_string(i));
      }
      ExpectNothing(session);
    }
  }
}

}  // namespace
}  // namespace solec

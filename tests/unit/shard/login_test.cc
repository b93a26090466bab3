// Section 6 of the protocol: from the connection to Success.

#include "unit/shard/stage.h"

namespace solec {
namespace {

TEST(ShardCore, LogsInWithABareNameOrAFullAddress) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    for (const char* name : {"alice", "alice@a.example", "alice@A.EXAMPLE"}) stage.LogIn(name);
    EXPECT_EQ(stage.world.Count(&ShardCounters::logins), 3u);
  }
}

TEST(ShardCore, AnswersAHandshakeWithTheFeaturesThatBothKnow) {
  Stage stage(1);
  auto session = stage.Connect();
  session->SendHandshake(0xFFFFFFFF);
  const auto answer = session->Next<Handshake>();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ver_major, kVersionMajor);
  EXPECT_EQ(answer->features, kSimFeatures);
}

TEST(ShardCore, AnswersAShortHandshakeWithNothing) {
  Stage stage(1);
  auto session = stage.Connect();
  session->SendHandshake(0);
  ExpectNothing(session.get());
}

TEST(ShardCore, ClosesSilentlyOnAnotherMajorVersion) {
  Stage stage(1);
  auto session = stage.Connect();
  session->Send(Handshake{kVersionMajor + 1, 0, std::nullopt});
  session->Send(UserAuth{"alice", "secret"});
  ExpectEnd(session.get());
  EXPECT_EQ(stage.world.CountClosed(CloseReason::kBadVersion), 1u);
}

TEST(ShardCore, AcceptsAnyMinorVersion) {
  Stage stage(1);
  auto session = stage.Connect();
  session->Send(Handshake{kVersionMajor, 200, std::nullopt});
  session->Send(UserAuth{"alice", "secret"});
  EXPECT_TRUE(session->Next<Success>());
}

TEST(ShardCore, ClosesSilentlyIfSomethingElseThanAHandshakeComesFirst) {
  Stage stage(1);
  auto login = stage.Connect();
  login->Send(UserAuth{"alice", "secret"});
  ExpectEnd(login.get());
  auto cut = stage.Connect();
  const uint8_t half[] = {0x03, 0, 3, 0, 4, 0};  // a Handshake of 3 bytes
  cut->SendRaw(half);
  ExpectEnd(cut.get());
}

TEST(ShardCore, AnswersAnUnexpectedPayloadAfterTheHandshakeWithNotAllowed) {
  Stage stage(1);
  auto session = stage.Connect();
  session->SendHandshake(0);
  session->SendMessage("bob", "too early");
  ExpectError(session.get(), ErrorCode::kNotAllowed);
  ExpectEnd(session.get());
}

TEST(ShardCore, AnswersAMalformedLoginWithMalformed) {
  Stage stage(1);
  auto session = stage.Connect();
  session->SendHandshake(0);
  const uint8_t cut[] = {0x04, 0, 3, 0, 9, 'a'};
  session->SendRaw(cut);
  ExpectError(session.get(), ErrorCode::kMalformed);
  ExpectEnd(session.get());
}

TEST(ShardCore, GivesThreeTriesAndThenCloses) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto session = stage.Connect();
    session->SendHandshake(0);
    // Whoever it is, and wherever that user lives: the tries are those of the connection.
    for (const char* name : {"alice", "nobody", "not a name"}) {
      session->Send(UserAuth{name, "wrong"});
      ExpectError(session.get(), ErrorCode::kUserAuthFailed);
    }
    ExpectEnd(session.get());
    EXPECT_EQ(stage.world.CountClosed(CloseReason::kLoginTries), 1u);
  }
}

TEST(ShardCore, LogsInAtTheThirdTry) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto session = stage.Connect();
    session->SendHandshake(0);
    for (const char* name : {"bob", "nobody"}) session->Send(UserAuth{name, "wrong"});
    session->Send(UserAuth{"alice", "secret"});
    ExpectError(session.get(), ErrorCode::kUserAuthFailed);
    ExpectError(session.get(), ErrorCode::kUserAuthFailed);
    EXPECT_TRUE(session->Next<Success>());
  }
}

TEST(ShardCore, ClosesSilentlyIfTheLoginTakesTooLong) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto session = stage.Connect();
    session->SendHandshake(0);
    ExpectNothing(session.get());
    stage.world.RunFor(8'500'000'000);
    // A hand-over on the way gives it no more time.
    session->Send(UserAuth{"alice", "wrong"});
    ExpectError(session.get(), ErrorCode::kUserAuthFailed);
    stage.world.RunFor(1'000'000'000);
    EXPECT_TRUE(session->client().ended());
    EXPECT_EQ(session->Next(), nullptr);
  }
}

TEST(ShardCore, IgnoresTestInAnyStateWhateverItHolds) {
  Stage stage(3);
  auto session = stage.Connect();
  const uint8_t test[] = {0xFF, 0, 2, 9, 9};
  session->SendRaw(test);
  session->SendHandshake(0);
  session->SendRaw(test);
  session->Send(UserAuth{"alice", "secret"});
  session->SendRaw(test);
  EXPECT_TRUE(session->Next<Success>());
  session->SendRaw(test);
  ExpectNothing(session.get());
}

TEST(ShardCore, AnswersAServerThatItDoesNotKnowWithServerAuthFailed) {
  Stage stage(1);
  auto session = stage.Connect();
  session->SendHandshake(0);
  session->Send(ServerAuth{"b.example"});
  ExpectError(session.get(), ErrorCode::kServerAuthFailed);
  ExpectEnd(session.get());
}

TEST(ShardCore, AnswersUnavailableWhileTooManyPasswordsWaitAndCountsNoTry) {
  Stage stage(1);
  stage.world.passwords().queue_max = 0;
  auto session = stage.Connect();
  session->SendHandshake(0);
  for (int i = 0; i < 4; ++i) {
    session->Send(UserAuth{"alice", "secret"});
    ExpectError(session.get(), ErrorCode::kUnavailable);
  }
  stage.world.passwords().queue_max = 10;
  session->Send(UserAuth{"alice", "secret"});
  EXPECT_TRUE(session->Next<Success>());
}

TEST(ShardCore, RefusesSessionsOverTheLimitOfTheirUser) {
  Stage stage(3, [](SimOptions* options) { options->limits.sessions_per_user_max = 2; });
  auto first = stage.LogIn("alice"), second = stage.LogIn("alice");
  auto third = stage.Connect();
  third->SendLogin("alice", 0);
  ExpectError(third.get(), ErrorCode::kOverLimit);
  ExpectEnd(third.get());
  first->client().Close();
  stage.world.RunFor(100'000'000);
  stage.LogIn("alice");
}

TEST(ShardCore, ClosesConnectionsOverTheLimitAtOnceAndCountsThoseThatLeft) {
  Stage stage(3, [](SimOptions* options) { options->limits.connections_max = 2; });
  auto first = stage.LogIn("alice"), second = stage.LogIn("bob");  // handed over, and still counted
  auto third = stage.Connect();
  third->SendLogin("carol", 0);
  EXPECT_TRUE(third->Ended());
  EXPECT_TRUE(third->received().empty());
  first->client().Close();
  stage.world.RunFor(100'000'000);
  stage.LogIn("carol");
}

TEST(ShardCore, CountsConnectionsPerAddressAcrossHandOvers) {
  Stage stage(3, [](SimOptions* options) { options->limits.connections_per_address_max = 3; });
  // The simulated network gives an address to each four connections.
  std::vector<std::unique_ptr<SimSession>> sessions;
  for (int i = 0; i < 3; ++i) sessions.push_back(stage.LogIn("alice"));
  auto fourth = stage.Connect();
  EXPECT_TRUE(fourth->Ended());
  stage.LogIn("alice");  // from the next address
}

// Everything in one burst, cut into pieces of a few bytes: nothing is lost where the connection
// changes its shard.
TEST(ShardCore, LosesNoByteInAHandOver) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Stage stage(4, [seed](SimOptions* options) {
      options->seed = seed;
      options->faults = SimFaults{};
      options->faults.tiny_segment_percent = 60;
    });
    auto bob = stage.LogIn("bob");
    auto alice = stage.Connect();
    alice->SendLogin("alice", 0);
    for (int i = 0; i < 50; ++i) alice->SendMessage("bob", std::to_string(i));
    for (int i = 0; i < 50; ++i) {
      ExpectMessage(bob.get(), "alice@a.example", "bob@a.example", std::to_string(i));
    }
  }
}

// A user is forgotten when too many others are idle, but not while its password is being checked.
TEST(ShardCore, KeepsAUserInMemoryWhileItsPasswordIsChecked) {
  Stage stage(1, [](SimOptions* options) {
    options->policy.contacts_open = true;
    options->password_delay_ns_max = 3'000'000'000;
  });
  auto alice = stage.Connect();
  alice->SendLogin("alice", 0);
  stage.world.RunFor(4'000'000'000);
  ASSERT_TRUE(alice->Next<Success>());
  auto bob = stage.Connect();
  bob->SendLogin("bob", 0);
  stage.world.RunFor(1'000'000);  // bob is known, and nobody has said yet whether it is bob
  for (size_t i = 0; i < UserTable::kIdleMax + 10; ++i) {
    alice->SendMessage("nobody" + std::to_string(i), "");
  }
  stage.world.RunFor(5'000'000'000);
  EXPECT_TRUE(bob->Next<Success>());
}

TEST(ShardCore, LogsAnybodyInWhereThePolicySaysSo) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* options) { options->policy.accounts_any = true; });
    auto stranger = stage.Connect();
    stranger->SendLogin("stranger", 0, "whatever");
    EXPECT_TRUE(stranger->Next<Success>());
    auto service = stage.Connect();
    service->SendLogin("server", 0);
    ExpectError(service.get(), ErrorCode::kUserAuthFailed);
  }
}

TEST(ShardCore, DrainEndsEverySessionWithShuttingDown) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob", kSimFeatures);
    stage.world.Drain();
    for (SimSession* session : {alice.get(), bob.get()}) {
      ExpectError(session, ErrorCode::kShuttingDown);
      ExpectEnd(session);
      session->client().Close();
    }
    auto late = stage.Connect();
    EXPECT_TRUE(late->Ended());
    late->client().Close();
    stage.world.RunFor(5'000'000'000);
    EXPECT_TRUE(stage.world.drained());
    EXPECT_EQ(stage.world.Leftovers(), "");
  }
}

}  // namespace
}  // namespace solec

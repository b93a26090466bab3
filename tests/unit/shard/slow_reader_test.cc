// What happens to sessions that read too slowly, to those who write to them, and to messages that
// were under way when a session ended.

#include <algorithm>
#include <string>
#include <vector>

#include "unit/shard/stage.h"

namespace solec {
namespace {

// Small outputs, and a network that takes little.
void Narrow(SimOptions* options) {
  options->limits.output_bytes_max = 256 * 1024;
  options->limits.output_stall_timeout_ms = 3'000;
  options->faults.socket_buffer_bytes = 4'000;
}

std::string Numbered(int i) {
  return std::to_string(i) + std::string(1'000, 'x');
}

// All contents that came, by number.
std::vector<int> NumbersOf(const SimSession& session) {
  std::vector<int> numbers;
  for (const SimSession::Received& received : session.received()) {
    Message message;
    const Bytes payload = AsBytes(received.bytes).subspan(kFrameHeaderSize);
    if (received.type() != PayloadType::kMessage) continue;
    EXPECT_EQ(Decode(payload, &message), DecodeError::kNone);
    numbers.push_back(std::stoi(std::string(message.message_content)));
  }
  return numbers;
}

void ExpectFrom(const std::vector<int>& numbers, int first, int end) {
  ASSERT_EQ(numbers.size(), static_cast<size_t>(end - first));
  for (int i = first; i < end; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i - first)], i);
}

TEST(ShardCore, EndsASlowReaderAndDeliversWhatItMissedAtItsNextLogin) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, Narrow);
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    bob->client().reading = false;
    for (int i = 0; i < 100; ++i) alice->SendMessage("bob", Numbered(i));
    stage.world.RunFor(4'500'000'000);  // it stalls, and is ended
    bob->client().reading = true;
    EXPECT_TRUE(bob->Ended());
    ASSERT_FALSE(bob->received().empty());
    EXPECT_EQ(stage.world.CountClosed(CloseReason::kTooSlow), 1u);
    auto again = stage.LogIn("bob");
    alice->SendMessage("bob", Numbered(100));
    stage.world.RunFor(3'000'000'000);
    const std::vector<int> before = NumbersOf(*bob), after = NumbersOf(*again);
    ASSERT_FALSE(after.empty());
    // Nothing is missing between the two; what was in flight may have come twice.
    EXPECT_LE(after.front(), static_cast<int>(before.size()));
    ExpectFrom(after, after.front(), 101);
  }
}

TEST(ShardCore, TellsASlowReaderThatItWasTooSlow) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* options) {
      Narrow(options);
      options->faults.socket_buffer_bytes = 200'000;
    });
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    bob->client().reading = false;
    // A burst so large that it is over the limit before anybody can be told to stop.
    for (int i = 0; i < 1'000; ++i) alice->SendMessage("bob", Numbered(i));
    stage.world.RunUntil([&] { return stage.world.CountClosed(CloseReason::kTooSlow) != 0; },
                         10'000'000'000);
    bob->client().reading = true;
    EXPECT_TRUE(bob->Ended());
    ASSERT_FALSE(bob->received().empty());
    Error error;
    const SimSession::Received& last = bob->received().back();
    ASSERT_EQ(last.type(), PayloadType::kError);
    Decode(AsBytes(last.bytes).subspan(kFrameHeaderSize), &error);
    EXPECT_EQ(error.code, ErrorCode::kTooSlow);
  }
}

TEST(ShardCore, HoldsSendersOfASlowReaderAndLosesNothing) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* options) {
      Narrow(options);
      options->limits.output_stall_timeout_ms = 60'000;
    });
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    bob->client().reading = false;
    constexpr int kCount = 600;  // more than twice what the output may hold
    for (int i = 0; i < kCount; ++i) alice->SendMessage("bob", Numbered(i));
    stage.world.RunFor(2'000'000'000);
    EXPECT_GT(stage.world.Count(&ShardCounters::reading_paused), 0u);
    EXPECT_FALSE(alice->client().all_written());
    bob->client().reading = true;
    stage.world.RunFor(5'000'000'000);
    ExpectFrom(NumbersOf(*bob), 0, kCount);
    EXPECT_EQ(stage.world.CountClosed(CloseReason::kTooSlow), 0u);
  }
}

TEST(ShardCore, KeepsHoldingASenderWhileOneOfTwoSlowReadersIsStillSlow) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* options) {
      Narrow(options);
      options->limits.output_stall_timeout_ms = 60'000;
    });
    stage.world.AddContacts("alice", "carol");
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob"), carol = stage.LogIn("carol");
    bob->client().reading = carol->client().reading = false;
    for (int i = 0; i < 600; ++i) {
      alice->SendMessage("bob", Numbered(i));
      alice->SendMessage("carol", Numbered(i));
    }
    stage.world.RunFor(1'000'000'000);
    bob->client().reading = true;
    stage.world.RunFor(1'000'000'000);
    EXPECT_FALSE(alice->client().all_written());
    carol->client().reading = true;
    stage.world.RunFor(5'000'000'000);
    ExpectFrom(NumbersOf(*bob), 0, 600);
    ExpectFrom(NumbersOf(*carol), 0, 600);
    EXPECT_EQ(stage.world.CountClosed(CloseReason::kTooSlow), 0u);
  }
}

TEST(ShardCore, LetsSendersGoOnAfterAWhileForNobodyIsHeldForever) {
  Stage stage(1, [](SimOptions* options) {
    Narrow(options);
    options->limits.output_stall_timeout_ms = 60'000;
  });
  stage.world.AddContacts("alice", "carol");
  auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob"), carol = stage.LogIn("carol");
  bob->client().reading = false;
  for (int i = 0; i < 150; ++i) alice->SendMessage("bob", Numbered(i));
  alice->SendMessage("carol", "at last");
  stage.world.RunFor(4'000'000'000);
  EXPECT_TRUE(NumbersOf(*bob).empty());
  EXPECT_EQ(carol->received().size(), 1u);  // Success
  stage.world.RunFor(2'000'000'000);
  EXPECT_EQ(carol->received().size(), 2u);
}

// Answers to a client that only writes fill its own output: it is ended, and the server goes on.
TEST(ShardCore, EndsAClientThatNeverReadsTheAnswersToItsOwnFrames) {
  for (const bool receipts : {false, true}) {
    Stage stage(1, Narrow);
    auto alice = stage.LogIn("alice", receipts ? kSimFeatures : 0);
    alice->client().reading = false;
    for (int i = 0; i < 70'000; ++i) {
      if (receipts)
        alice->Send(Ping{1});
      else
        alice->SendMessage("nobody", "");
    }
    stage.world.RunUntil([&] { return stage.world.CountClosed(CloseReason::kTooSlow) != 0; },
                         300'000'000'000);
    EXPECT_EQ(stage.world.CountClosed(CloseReason::kTooSlow), 1u);
    stage.LogIn("bob");
  }
}

// A connection that broke unnoticed holds messages; the user comes back before the server knows.
TEST(ShardCore, GivesANewSessionWhatADeadOneHasNotSent) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, Narrow);
    auto alice = stage.LogIn("alice"), dead = stage.LogIn("bob");
    dead->client().Vanish();
    for (int i = 0; i < 50; ++i) alice->SendMessage("bob", Numbered(i));
    stage.world.RunFor(100'000'000);
    auto bob = stage.LogIn("bob");
    alice->SendMessage("bob", Numbered(50));
    stage.world.RunFor(500'000'000);
    const std::vector<int> numbers = NumbersOf(*bob);
    ASSERT_FALSE(numbers.empty());
    EXPECT_LE(numbers.front(), 5);  // what the network had taken before is gone with it
    ExpectFrom(numbers, numbers.front(), 51);
    stage.world.RunFor(10'000'000'000);  // the dead one is ended: nothing comes twice
    EXPECT_EQ(NumbersOf(*bob).size(), numbers.size());
  }
}

TEST(ShardCore, KeepsTheOrderOfAChannelWhenWhatWasMissedIsDeliveredLater) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (const uint32_t shards : kShardCounts) {
      Stage stage(shards, [seed](SimOptions* options) {
        Narrow(options);
        options->seed = seed;
      });
      for (const char* name : {"alice", "bob"}) stage.world.JoinChannel(name, "#room");
      auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
      bob->client().reading = false;
      for (int i = 0; i < 60; ++i) alice->SendMessage("#room", Numbered(i));
      stage.world.RunFor(50'000'000);
      bob->client().Reset();
      stage.world.RunFor(1'000'000);
      auto again = stage.Connect();
      again->SendLogin("bob", 0);
      for (int i = 60; i < 90; ++i) {
        alice->SendMessage("#room", Numbered(i));
        stage.world.RunFor(100'000);
      }
      stage.world.RunFor(3'000'000'000);
      const std::vector<int> numbers = NumbersOf(*again);
      ASSERT_FALSE(numbers.empty());
      EXPECT_EQ(numbers.back(), 89);
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << seed;
    }
  }
}

// Each time it reads nothing and breaks: what waits must not grow by that.
TEST(ShardCore, KeepsWhatWaitsOnceHoweverOftenAReaderBreaks) {
  Stage stage(1, Narrow);
  for (const char* name : {"alice", "bob"}) stage.world.JoinChannel(name, "#room");
  auto alice = stage.LogIn("alice");
  {
    auto bob = stage.LogIn("bob");
    bob->client().reading = false;
    for (int i = 0; i < 30; ++i) alice->SendMessage(i % 2 == 0 ? "#room" : "bob", Numbered(i));
    stage.world.RunFor(100'000'000);
    bob->client().Reset();
    stage.world.RunFor(100'000'000);
  }
  const uint64_t kept = stage.world.store(0).ByteCount();
  for (int i = 0; i < 10; ++i) {
    auto bob = stage.Connect();
    bob->SendLogin("bob", 0);
    bob->client().reading = false;
    stage.world.RunFor(100'000'000);
    bob->client().Reset();
    stage.world.RunFor(100'000'000);
  }
  EXPECT_EQ(stage.world.store(0).ByteCount(), kept);
}

}  // namespace
}  // namespace solec

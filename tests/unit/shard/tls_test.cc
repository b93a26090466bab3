// A whole server over TLS, on the simulated network: connections of users move to their shards with
// their TLS sessions.

#include <gtest/gtest.h>

#include "tests/unit/net/tls_pair.h"
#include "tests/unit/shard/stage.h"

namespace solec {
namespace {

class TlsLayer final : public SimLayer {
 public:
  TlsLayer() { end_.session = TestTlsClient().Dial("a.example", &pool_); }

  void Write(Bytes bytes, SimClient* client) override {
    waiting_ += AsString(bytes);
    Pump(client);
  }
  std::string Read(std::string_view bytes, SimClient* client) override {
    end_.Receive(AsBytes(bytes));
    Pump(client);
    return std::exchange(end_.plain, {});
  }
  const TlsSession& session() const { return *end_.session; }

 private:
  void Pump(SimClient* client) {
    if (end_.session->state() == TlsState::kOpen && !waiting_.empty()) {
      EXPECT_TRUE(end_.Write(std::exchange(waiting_, {})));
    }
    const std::string output = end_.TakeOutput();
    if (!output.empty()) client->Write(AsBytes(output));
  }

  BufferPool pool_;
  TlsEnd end_;
  std::string waiting_;  // for the handshake's end
};

class TlsStage : public Stage {
 public:
  explicit TlsStage(uint32_t shard_count, const std::function<void(SimOptions*)>& adjust = {})
      : Stage(shard_count, adjust) {
    static const std::shared_ptr<const TlsContext> context = *TlsContext::Make(TestTlsOptions());
    for (uint32_t shard = 0; shard < shard_count; ++shard) {
      world.core(shard).connections().SetTls(context, 0);
    }
  }
  std::unique_ptr<SimSession> ConnectTls(uint32_t shard) {
    return std::make_unique<SimSession>(&world, shard, 0, std::make_unique<TlsLayer>());
  }
  std::unique_ptr<SimSession> LogInTls(std::string_view name, uint32_t shard) {
    auto session = ConnectTls(shard);
    session->SendLogin(name, 0);
    EXPECT_TRUE(session->Next<Success>()) << name;
    return session;
  }
};

void ExpectContent(SimSession* session, const std::string& content) {
  const auto message = session->Next<Message>();
  ASSERT_TRUE(message) << content;
  EXPECT_EQ(message->message_content, content);
}

// As the test of plain connections: everything in one burst, cut into pieces of a few bytes.
TEST(ShardCoreTls, LosesNoByteInAHandOver) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TlsStage stage(4, [seed](SimOptions* options) {
      options->seed = seed;
      options->faults = SimFaults{};
      options->faults.tiny_segment_percent = 60;
    });
    SCOPED_TRACE("seed " + std::to_string(seed));
    // Neither comes in at its own shard.
    auto bob = stage.LogInTls("bob", (stage.world.ShardOf("bob") + 1) % 4);
    const uint64_t far = (stage.world.ShardOf("alice") + 1 + seed % 3) % 4;
    auto alice = stage.ConnectTls(static_cast<uint32_t>(far));
    alice->SendLogin("alice", 0);
    for (int i = 0; i < 50; ++i) alice->SendMessage("bob", std::to_string(i));
    for (int i = 0; i < 50; ++i) ExpectContent(bob.get(), std::to_string(i));
    EXPECT_EQ(stage.world.Count(&ShardCounters::hand_overs), 2u);
  }
}

TEST(ShardCoreTls, CarriesLargeMessagesBothWays) {
  TlsStage stage(3);
  auto alice = stage.LogInTls("alice", 0), bob = stage.LogInTls("bob", 0);
  const std::string large(kContentBytesMax, 'x');
  for (int i = 0; i < 10; ++i) {
    alice->SendMessage("bob", large);
    bob->SendMessage("alice", large);
    ExpectContent(bob.get(), large);
    ExpectContent(alice.get(), large);
  }
}

TEST(ShardCoreTls, DrainTellsThoseWhoCanBeToldAndEndsThoseInTheHandshake) {
  TlsStage stage(2);
  auto alice = stage.LogInTls("alice", 0);
  SimClient silent(&stage.world.network(), 1);
  stage.world.RunFor(1'000'000);
  stage.world.Drain();
  const auto error = alice->Next<Error>();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kShuttingDown);
  EXPECT_TRUE(alice->Ended());
  alice->client().Close();
  silent.Close();
  stage.world.RunFor(5'000'000'000);
  EXPECT_TRUE(stage.world.drained());
  EXPECT_EQ(stage.world.Leftovers(), "");
}

// A killed server forgets sessions that were on their way from shard to shard.
TEST(ShardCoreTls, FreesSessionsThatWereMovingWhenTheServerWasKilled) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TlsStage stage(4, [seed](SimOptions* options) { options->seed = seed; });
    std::vector<std::unique_ptr<SimSession>> sessions;
    for (uint32_t i = 0; i < 8; ++i) {
      sessions.push_back(stage.ConnectTls(i % 4));
      sessions.back()->SendLogin(i % 2 == 0 ? "alice" : "bob", 0);
    }
    for (uint64_t step = 0; step < 20 * seed && stage.world.Step(); ++step) {
    }
    stage.world.Crash();
  }
}

}  // namespace
}  // namespace solec

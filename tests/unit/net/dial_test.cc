// Connections that this server dials, through the driver on the simulated network: what the handler
// is told, and when.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "io/sim_io.h"
#include "net/connection_driver.h"

namespace solec {
namespace {

constexpr uint32_t kOffered = kFeaturePing | kFeatureReceipts | kFeatureResume;
constexpr uint64_t kMs = 1'000'000;

const NetAddress kPeer = *ParseNetAddress("192.0.2.2:7653");

SimFaults Calm() {
  return {.delay_ns_max = 0,
          .segment_bytes_max = 1 << 20,
          .tiny_segment_percent = 0,
          .socket_buffer_bytes = 128 * 1024,
          .partial_percent = 0,
          .starved_percent = 0};
}

// Runs the sequence of a server that dials, and writes down what came of it.
struct Dialler {
  ConnectionTable* table = nullptr;
  std::vector<std::string> told;
  SocketId socket;
  size_t freed = 0;

  void SetNow(uint64_t) {}
  bool MayAccept(Connection*) { return true; }
  void OnDialed(Connection* connection, uint64_t tag) {
    told.push_back("up " + std::to_string(tag));
    socket = connection->socket;
    EXPECT_EQ(connection->state, ConnectionState::kLogin);
    EXPECT_TRUE(connection->dialled);
    table->AppendFrame(connection, Handshake{kVersionMajor, kVersionMinor, kOffered});
    table->AppendFrame(connection, ServerAuth{"a.example"});
  }
  void OnDialFailed(uint64_t tag, DialStep step, std::string_view text) {
    EXPECT_EQ(step, DialStep::kConnect);
    told.push_back(std::to_string(tag) + ": " + std::string(text));
  }
  FrameVerdict OnFrame(Connection* connection, const Frame& frame, size_t) {
    const SequenceStep step = connection->dial_sequence.OnFrame(frame, kOffered);
    switch (step.action) {
      case SequenceAction::kNothing:
        return FrameVerdict::kNext;
      case SequenceAction::kHandshake:
        told.push_back("features " + std::to_string(step.features));
        return FrameVerdict::kNext;
      case SequenceAction::kSuccess:
        told.push_back("success");
        table->End(connection, CloseReason::kPeerClosed);
        return FrameVerdict::kEnded;
      default:
        told.push_back("code " + std::to_string(static_cast<int>(step.code)));
        table->End(connection, CloseReason::kUnknownPeer);
        return FrameVerdict::kEnded;
    }
  }
  void OnEnding(Connection* connection) {
    if (connection->close_reason == CloseReason::kLoginTimeout) told.push_back("login timeout");
    if (connection->close_reason == CloseReason::kPeerReset) told.push_back("reset");
  }
  void OnOutputDrained(Connection*) {}
  void OnHoldExpired(Connection*) {}
  void OnFreed(Connection*) { ++freed; }
  ConnectionConfig connection_config() const { return {10'000, 30'000, 1'000}; }
  void CountReceived(uint64_t) {}
  void CountSent(uint64_t) {}
};

// The other server: one that answers what the test says.
struct Answerer {
  SimIo* io = nullptr;
  std::vector<SocketId> accepted;
  std::string received;
  size_t sent_count = 0;

  void OnAccept(uint32_t, SocketId socket) {
    accepted.push_back(socket);
    io->Receive(socket, ReceiveMode::kStream);
  }
  void OnConnected(SocketId, int) {}
  void OnReceive(SocketId, Bytes bytes) { received += AsString(bytes); }
  void OnReceiveEnd(SocketId socket, ReceiveEnd, int) { io->Close(socket); }
  void OnSent(SocketId, int64_t) { ++sent_count; }
  void OnClosed(SocketId) {}
};

class DialTest : public testing::Test {
 protected:
  DialTest() {
    dialler_.table = &table_;
    answerer_.io = &peer_io_;
    network_.Listen(kPeer, 1);
  }

  void Turns(int count) {
    for (int i = 0; i < count; ++i) {
      network_.Progress();
      io_.Turn(driver_, false);
      driver_.RunTimers();
      driver_.Flush();
      peer_io_.Turn(answerer_, false);
    }
  }
  void Answer(std::string_view bytes) {
    const Bytes slice = AsBytes(bytes);
    answerer_.sent_count = 0;
    peer_io_.Send(answerer_.accepted.back(), {&slice, 1});
    for (int i = 0; i < 5 && answerer_.sent_count == 0; ++i) Turns(1);
    EXPECT_EQ(answerer_.sent_count, 1u);
  }
  void Wait(uint64_t ms) {
    network_.AdvanceTo(network_.now_ns() + ms * kMs);
    Turns(4);
  }
  using Told = std::vector<std::string>;

  SimNetwork network_{1, Calm()};
  std::vector<SimIo*> ios_, peer_ios_;
  SimIo io_{&network_, &ios_, 0};
  SimIo peer_io_{&network_, &peer_ios_, 1};
  BufferPool buffers_;
  ConnectionTable table_{&buffers_, 1'000'000'000};
  Dialler dialler_;
  Answerer answerer_;
  ConnectionDriver<SimIo, Dialler> driver_{&io_, &table_, &dialler_};
};

TEST_F(DialTest, SaysHandshakeAndServerAuthOnceItIsConnected) {
  table_.Dial(kPeer, 7);
  EXPECT_TRUE(driver_.HasWork());
  Turns(6);
  EXPECT_EQ(dialler_.told, Told{"up 7"});
  std::string expected;
  AppendFrame(Handshake{kVersionMajor, kVersionMinor, kOffered}, &expected);
  AppendFrame(ServerAuth{"a.example"}, &expected);
  EXPECT_EQ(answerer_.received, expected);
}

TEST_F(DialTest, TakesAnAnswerCutAtEveryByte) {
  std::string answer;
  AppendFrame(Handshake{kVersionMajor, kVersionMinor, kFeatureResume}, &answer);
  AppendFrame(solec::Test{}, &answer);
  AppendFrame(Success{}, &answer);
  for (size_t cut = 1; cut < answer.size(); ++cut) {
    for (size_t second = cut + 1; second < answer.size(); ++second) {
      dialler_.told.clear();
      table_.Dial(kPeer, 1);
      Turns(6);
      Answer(answer.substr(0, cut));
      Answer(answer.substr(cut, second - cut));
      Answer(answer.substr(second));
      Turns(6);
      ASSERT_EQ(dialler_.told, (Told{"up 1", "features 16", "success"})) << cut << " " << second;
      ASSERT_EQ(table_.count(), 0u);
    }
  }
}

TEST_F(DialTest, TakesSuccessFromAPeerWithoutExtensions) {
  table_.Dial(kPeer, 1);
  Turns(6);
  std::string answer;
  AppendFrame(Success{}, &answer);
  Answer(answer);
  Turns(2);
  EXPECT_EQ(dialler_.told, (Told{"up 1", "success"}));
}

TEST_F(DialTest, SaysWhyNothingCameOfIt) {
  table_.Dial(*ParseNetAddress("192.0.2.2:1"), 8);
  Turns(6);
  EXPECT_EQ(dialler_.told, Told{"8: Connection refused"});
  EXPECT_EQ(dialler_.freed, 1u);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(io_.socket_count(), 0u);
}

TEST_F(DialTest, GivesUpWhenNobodyAnswers) {
  network_.Swallow(kPeer);
  table_.Dial(kPeer, 9);
  Turns(6);
  Wait(9'900);
  EXPECT_EQ(dialler_.told, Told{});
  Wait(200);
  EXPECT_EQ(dialler_.told, Told{"9: no answer in time"});
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(io_.socket_count(), 0u);
}

TEST_F(DialTest, HasOneTimeLimitForConnectingAndLogin) {
  network_.Sever(0, 1);
  table_.Dial(kPeer, 1);
  Turns(6);
  Wait(6'000);
  network_.Heal(0, 1);
  Turns(6);
  EXPECT_EQ(dialler_.told, Told{"up 1"});
  Wait(3'900);
  EXPECT_EQ(dialler_.told, Told{"up 1"});
  Wait(200);
  EXPECT_EQ(dialler_.told, (Told{"up 1", "login timeout"}));
}

TEST_F(DialTest, TellsOfADialThatIsEndedBeforeItIsUp) {
  network_.Swallow(kPeer);
  table_.Dial(kPeer, 3);
  Turns(2);
  table_.ForEach(
      [&](Connection& connection) { table_.End(&connection, CloseReason::kShuttingDown); });
  Turns(4);
  EXPECT_EQ(dialler_.told, Told{"3: shutting_down"});
  EXPECT_EQ(table_.count(), 0u);
}

TEST_F(DialTest, DialsSeveralAtOnceAndAgainFromWithinTheAnswer) {
  network_.Swallow(*ParseNetAddress("192.0.2.2:2"));
  for (uint64_t tag = 1; tag <= 3; ++tag) {
    table_.Dial(*ParseNetAddress("192.0.2.2:" + std::to_string(tag)), tag);
  }
  table_.Dial(kPeer, 4);
  Turns(8);
  std::sort(dialler_.told.begin(), dialler_.told.end());
  EXPECT_EQ(dialler_.told, (Told{"1: Connection refused", "3: Connection refused", "up 4"}));
  EXPECT_EQ(table_.count(), 2u);
}

TEST_F(DialTest, ACutEndsItOnBothSides) {
  table_.Dial(kPeer, 1);
  Turns(6);
  network_.Cut(&network_.connection(0));
  Turns(6);
  EXPECT_EQ(dialler_.told, (Told{"up 1", "reset"}));
  EXPECT_EQ(peer_io_.socket_count(), 0u);
  EXPECT_EQ(io_.socket_count(), 0u);
}

TEST_F(DialTest, ASeveredNetworkLosesNothingWhenItHeals) {
  table_.Dial(kPeer, 1);
  Turns(6);
  answerer_.received.clear();
  network_.Sever(1, 0);
  Connection* connection = table_.Get(dialler_.socket);
  table_.AppendFrame(connection, Ping{1});
  Turns(6);
  EXPECT_EQ(answerer_.received, "");
  EXPECT_EQ(io_.UnackedBytes(dialler_.socket), FrameSize(Ping{1}));
  network_.Heal(0, 1);
  Turns(6);
  EXPECT_EQ(answerer_.received.size(), FrameSize(Ping{1}));
  EXPECT_EQ(io_.UnackedBytes(dialler_.socket), 0u);
}

TEST_F(DialTest, AHostThatIsGoneRefusesAndItsConnectionsEnd) {
  table_.Dial(kPeer, 1);
  Turns(6);
  network_.ForgetHost(1);
  Turns(6);
  EXPECT_EQ(io_.socket_count(), 0u);
  table_.Dial(kPeer, 2);
  Turns(6);
  EXPECT_EQ(dialler_.told, (Told{"up 1", "2: Connection refused"}));
}

}  // namespace
}  // namespace solec

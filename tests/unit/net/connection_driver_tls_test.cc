// The driver with TLS between it and a peer on the simulated network.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "io/sim_io.h"
#include "net/connection_driver.h"
#include "tests/unit/net/tls_pair.h"

namespace solec {
namespace {

SimFaults Calm() {
  return {.delay_ns_max = 0,
          .segment_bytes_max = 1 << 20,
          .tiny_segment_percent = 0,
          .socket_buffer_bytes = 128 * 1024,
          .partial_percent = 0,
          .starved_percent = 0};
}

SimFaults Rough() {
  return {.delay_ns_max = 0,
          .segment_bytes_max = 1'400,
          .tiny_segment_percent = 50,
          .socket_buffer_bytes = 4'096,
          .partial_percent = 60,
          .starved_percent = 20};
}

// Writes down what it is told, and does what the test says.
struct Recorder {
  std::vector<std::string> frames, told;
  std::vector<CloseReason> ended;
  Connection* dialled = nullptr;
  std::string unsent;
  size_t freed = 0;
  std::function<FrameVerdict(Connection*, const Frame&)> on_frame;

  void SetNow(uint64_t) {}
  bool MayAccept(Connection*) { return true; }
  void OnDialed(Connection* connection, uint64_t tag) {
    dialled = connection;
    told.push_back("up " + std::to_string(tag));
  }
  void OnDialFailed(uint64_t tag, DialStep step, std::string_view text) {
    told.push_back(std::to_string(tag) + (step == DialStep::kTls ? " TLS: " : " connect: ") +
                   std::string(text));
  }
  FrameVerdict OnFrame(Connection* connection, const Frame& frame, size_t) {
    const FrameVerdict verdict = on_frame ? on_frame(connection, frame) : FrameVerdict::kNext;
    if (verdict != FrameVerdict::kMoveBefore) frames.emplace_back(frame.text());
    return verdict;
  }
  void OnEnding(Connection* connection) {
    ended.push_back(connection->close_reason);
    connection->output.ForEachUnsent([this](Bytes bytes) { unsent += AsString(bytes); });
  }
  void OnOutputDrained(Connection*) {}
  void OnHoldExpired(Connection*) {}
  void OnFreed(Connection*) { ++freed; }
  ConnectionConfig connection_config() const { return {10'000, 30'000, 1'000}; }
  void CountReceived(uint64_t) {}
  void CountSent(uint64_t) {}
};

std::string TextFrame(std::string_view payload) {
  std::string frame(kFrameHeaderSize, '\0');
  frame[0] = static_cast<char>(PayloadType::kTest);
  StoreBig(reinterpret_cast<uint8_t*>(frame.data()) + 1, static_cast<uint16_t>(payload.size()));
  return frame.append(payload);
}

class DriverTlsTest : public testing::Test {
 protected:
  explicit DriverTlsTest(SimFaults faults = Calm()) : network_(1, faults) {
    ios_ = {&io_};
    static const std::shared_ptr<const TlsContext> context = *TlsContext::Make(TestTlsOptions());
    table_.SetTls(context, 0);
  }

  void Turn() {
    network_.Progress();
    io_.Turn(driver_, false);
    driver_.RunTimers();
    driver_.RunMoves([this](Connection* connection, auto release) {
      moved_tls_ = std::move(connection->tls);
      moved_input_ = AsString(Bytes(connection->held, connection->held_size));
      moved_handle_ = release();
      ++moved_;
    });
    driver_.Flush();
    network_.Progress();
  }
  // The driver and the peer, until neither has anything to do.
  void Turns(int count) {
    for (int i = 0; i < count; ++i) {
      Turn();
      if (client_ != nullptr) Step();
    }
  }
  void Step() {
    client_->Step();
    peer_.Receive(AsBytes(std::exchange(client_->input, {})));
    client_->Write(AsBytes(peer_.TakeOutput()));
    client_->Step();
  }
  void Dial() {
    client_ = std::make_unique<SimClient>(&network_, 0);
    peer_.plain.clear();
    peer_.session = TestTlsClient().Dial("a.example", &peer_pool_);
    Turn();
    table_.ForEach([this](Connection& connection) { connection_ = &connection; });
    ASSERT_NE(connection_, nullptr);
    ASSERT_NE(connection_->tls, nullptr);
  }
  void DialOpen() {
    Dial();
    Turns(200);
    ASSERT_EQ(connection_->tls->state(), TlsState::kOpen);
    ASSERT_EQ(peer_.session->state(), TlsState::kOpen);
    connection_->state = ConnectionState::kOpen;
    connection_->since_ms = 0;
    table_.timers().Cancel(connection_->socket.index);
  }
  void Write(std::string_view text) {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, TlsSession::kEncryptBytesMax);
      ASSERT_TRUE(peer_.Write(part));
      client_->Write(AsBytes(peer_.TakeOutput()));
      text.remove_prefix(part.size());
    }
    client_->Step();
  }
  void Append(std::string_view payload) {
    const std::string frame = TextFrame(payload);
    std::memcpy(table_.Append(connection_, frame.size()), frame.data(), frame.size());
  }
  void Wait(uint64_t ms) { network_.AdvanceTo(network_.now_ns() + ms * 1'000'000); }

  SimNetwork network_;
  std::vector<SimIo*> ios_;
  SimIo io_{&network_, &ios_};
  BufferPool buffers_, peer_pool_;
  ConnectionTable table_{&buffers_, 1'000'000'000};
  Recorder recorder_;
  ConnectionDriver<SimIo, Recorder> driver_{&io_, &table_, &recorder_};
  std::unique_ptr<SimClient> client_;
  TlsEnd peer_;
  Connection* connection_ = nullptr;
  int moved_ = 0;
  std::unique_ptr<TlsSession> moved_tls_;
  std::string moved_input_;
  uint64_t moved_handle_ = 0;
};

class RoughDriverTlsTest : public DriverTlsTest {
 protected:
  RoughDriverTlsTest() : DriverTlsTest(Rough()) {}
};

TEST_F(DriverTlsTest, FindsFramesAndSendsOutput) {
  DialOpen();
  Write(TextFrame("a") + TextFrame("b").substr(0, 2));
  Turns(2);
  EXPECT_EQ(recorder_.frames, std::vector{TextFrame("a")});
  Write(TextFrame("b").substr(2));
  Append("to the peer");
  Turns(3);
  EXPECT_EQ(recorder_.frames, (std::vector{TextFrame("a"), TextFrame("b")}));
  EXPECT_EQ(peer_.plain, TextFrame("to the peer"));
}

// Short sends, reads of a few bytes, small buffers: nothing is lost, doubled or out of order.
TEST_F(RoughDriverTlsTest, CarriesMuchBothWaysOverARoughNetwork) {
  DialOpen();
  std::string to_peer;
  std::vector<std::string> from_peer;
  for (int i = 0; i < 40; ++i) {
    const std::string text = std::to_string(i) + std::string(static_cast<size_t>(i) * 997, 'x');
    Append(text);
    to_peer += TextFrame(text);
    from_peer.push_back(TextFrame(text));
    Write(from_peer.back());
    Turns(3);
  }
  Turns(20'000);
  EXPECT_TRUE(peer_.plain == to_peer);
  EXPECT_TRUE(recorder_.frames == from_peer);
  EXPECT_TRUE(connection_->output.empty());
  EXPECT_TRUE(connection_->tls->quiet());
}

TEST_F(DriverTlsTest, SendsATurnsFramesInOneRecord) {
  DialOpen();
  const uint64_t before = client_->connection().down_log.size();
  for (int i = 0; i < 20; ++i) Append(std::string(100, 'x'));
  Turns(3);
  EXPECT_EQ(client_->connection().down_log.size() - before,
            20 * (100 + kFrameHeaderSize) + TlsSession::kRecordOverhead);
}

TEST_F(DriverTlsTest, CountsOutputAsSentOnlyWhenAllOfItsCipherHasLeft) {
  DialOpen();
  client_->reading = false;
  const uint64_t sent_before = connection_->output.sent_count();
  for (int i = 0; i < 10; ++i) Append(std::string(60'000, 'x'));  // more than the network takes
  Turns(3);
  // One piece has left, the next one in part: of that none counts.
  const uint64_t sent = connection_->output.sent_count() - sent_before;
  EXPECT_EQ(sent % (60'000 + kFrameHeaderSize), 0u);
  EXPECT_LT(sent, 10 * (60'000 + kFrameHeaderSize));
  EXPECT_TRUE(connection_->output.send_in_flight());
  client_->Reset();
  Turns(6);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerReset});
  EXPECT_EQ(recorder_.unsent.size(), 10 * (60'000 + kFrameHeaderSize) - sent);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, SendsMoreThanOnePieceOfASharedBatch) {
  DialOpen();
  std::string frames;
  for (int i = 0; i < 50; ++i) frames += TextFrame(std::string(20'000, 'x'));
  SharedBytes* shared = SharedBytes::Create(&buffers_, frames.size());
  std::memcpy(shared->data(), frames.data(), frames.size());
  shared->Grow(static_cast<uint32_t>(frames.size()));
  table_.AppendShared(connection_, shared, 0, static_cast<uint32_t>(frames.size()));
  shared->Unref();
  Append("behind it");
  Turns(40);
  EXPECT_TRUE(peer_.plain == frames + TextFrame("behind it"));
}

// --- the end ---

TEST_F(DriverTlsTest, SendsTheErrorAndSaysGoodbye) {
  DialOpen();
  Append("before");
  table_.End(connection_, CloseReason::kMalformed, ErrorCode::kMalformed);
  Turns(6);
  std::string expected = TextFrame("before");
  AppendFrame(Error{ErrorCode::kMalformed}, &expected);
  EXPECT_EQ(peer_.plain, expected);
  EXPECT_TRUE(peer_.session->peer_closed());
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(connection_->state, ConnectionState::kLingering);
  client_->Close();
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, EndsWhenThePeerSaysGoodbyeWithoutClosing) {
  DialOpen();
  Write(TextFrame("last"));
  peer_.session->Finish();
  client_->Write(AsBytes(peer_.TakeOutput()));
  Append("answer");
  Turns(6);
  EXPECT_EQ(recorder_.frames, std::vector{TextFrame("last")});
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
  EXPECT_EQ(peer_.plain, TextFrame("answer"));
  EXPECT_TRUE(peer_.session->peer_closed());
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, EndsWhenThePeerClosesWithoutGoodbye) {
  DialOpen();
  Write(TextFrame("last"));
  client_->FinishWriting();
  Turns(6);
  EXPECT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, ParsesWhatWasHeldBeforeItEndsForThePeerSaidGoodbye) {
  DialOpen();
  table_.Hold(connection_, kHoldRequest);
  Write(TextFrame("a") + TextFrame("b"));
  peer_.session->Finish();
  client_->Write(AsBytes(peer_.TakeOutput()));
  Turns(4);
  EXPECT_TRUE(recorder_.ended.empty());
  table_.Unhold(connection_, kHoldRequest);
  Turns(6);
  EXPECT_EQ(recorder_.frames.size(), 2u);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
}

TEST_F(DriverTlsTest, EndsWithAnAlertWhenWhatComesIsNoTls) {
  Dial();
  client_->Write(AsBytes("GET / HTTP/1.1\r\n\r\n"));
  for (int i = 0; i < 6; ++i) {
    Turn();
    client_->Step();
  }
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kTlsFailed});
  EXPECT_TRUE(recorder_.frames.empty());
  EXPECT_TRUE(client_->ended());
  client_->Close();
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, EndsASessionWhoseRecordsWereChanged) {
  DialOpen();
  Append("on its way");
  ASSERT_TRUE(peer_.Write(TextFrame("text")));
  std::string record = peer_.TakeOutput();
  record.back() = static_cast<char>(record.back() ^ 1);
  client_->Write(AsBytes(record));
  Turns(6);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kTlsFailed});
  EXPECT_TRUE(recorder_.frames.empty());
  client_->Close();
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DriverTlsTest, ClosesAConnectionThatStallsInTheHandshake) {
  Dial();
  const std::string hello = peer_.TakeOutput();
  client_->Write(AsBytes(std::string_view(hello).substr(0, hello.size() / 2)));
  Wait(10'100);
  for (int i = 0; i < 6; ++i) {
    Turn();
    client_->Step();
  }
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kLoginTimeout});
  EXPECT_TRUE(client_->ended());
}

// An Error cannot be said before there are keys: the connection ends without.
TEST_F(DriverTlsTest, EndsInTheHandshakeWithoutSayingAnErrorInTheClear) {
  Dial();
  table_.End(connection_, CloseReason::kShuttingDown, ErrorCode::kShuttingDown);
  for (int i = 0; i < 6; ++i) {
    Turn();
    client_->Step();
  }
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(client_->input, "");
}

// --- moves ---

TEST_F(RoughDriverTlsTest, MovesTheSessionWithWhatItHasDecrypted) {
  Dial();
  recorder_.on_frame = [&](Connection* connection, const Frame& frame) {
    if (AsString(frame.payload) != "move") return FrameVerdict::kNext;
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  // The whole login in one go, as a client may send it: behind the handshake's last message.
  const std::vector<std::string> all = {TextFrame("first"), TextFrame("move"), TextFrame("a"),
                                        TextFrame("b")};
  while (peer_.session->state() == TlsState::kHandshake) Turns(1);
  Write(all[0] + all[1] + all[2] + all[3].substr(0, 4));
  Turns(400);
  ASSERT_EQ(moved_, 1);
  ASSERT_NE(moved_tls_, nullptr);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_TRUE(moved_input_.starts_with(all[1]));
  // The other shard goes on with it where it was, with buffers of its own.
  recorder_.on_frame = nullptr;
  connection_ = driver_.Adopt(moved_handle_, AsBytes(moved_input_), 1'000, std::move(moved_tls_));
  Write(all[3].substr(4));
  Append("answer");
  Turns(400);
  EXPECT_EQ(recorder_.frames, all);
  EXPECT_EQ(peer_.plain, TextFrame("answer"));
}

TEST_F(DriverTlsTest, EndsAMovedConnectionWhosePeerSaidGoodbyeMeanwhile) {
  Dial();
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  while (peer_.session->state() == TlsState::kHandshake) Turns(1);
  ASSERT_TRUE(peer_.Write(TextFrame("move")));
  peer_.session->Finish();
  client_->Write(AsBytes(peer_.TakeOutput()));
  Turns(6);
  ASSERT_EQ(moved_, 1);
  recorder_.on_frame = nullptr;
  driver_.Adopt(moved_handle_, AsBytes(moved_input_), 1'000, std::move(moved_tls_));
  Turns(6);
  EXPECT_EQ(recorder_.frames, std::vector{TextFrame("move")});
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
}

// --- dialling ---

// Two servers; the second listens, with TLS or without.
class DialTlsTest : public testing::Test {
 protected:
  DialTlsTest() : network_(1, Rough()) {
    static const std::shared_ptr<const TlsContext> context = *TlsContext::Make(TestTlsOptions());
    table_.SetTls(context, 1);
    peer_table_.SetTls(context, 0);
    network_.Listen(kPeer, 1);
  }
  void Turns(int count) {
    for (int i = 0; i < count; ++i) {
      network_.Progress();
      io_.Turn(driver_, false);
      driver_.RunTimers();
      driver_.Flush();
      peer_io_.Turn(peer_driver_, false);
      peer_driver_.Flush();
    }
  }

  const NetAddress kPeer = *ParseNetAddress("192.0.2.2:7654");
  SimNetwork network_;
  std::vector<SimIo*> ios_, peer_ios_;
  SimIo io_{&network_, &ios_, 0}, peer_io_{&network_, &peer_ios_, 1};
  BufferPool buffers_;
  ConnectionTable table_{&buffers_, 1'000'000'000}, peer_table_{&buffers_, 1'000'000'000};
  Recorder recorder_, peer_;
  ConnectionDriver<SimIo, Recorder> driver_{&io_, &table_, &recorder_};
  ConnectionDriver<SimIo, Recorder> peer_driver_{&peer_io_, &peer_table_, &peer_};
};

TEST_F(DialTlsTest, IsToldWhenTlsIsUpAndShowsBothPins) {
  table_.Dial(kPeer, 7, {.tls = true, .server_name = "a.example"});
  for (int i = 0; i < 1'000 && recorder_.told.empty(); ++i) Turns(1);
  ASSERT_EQ(recorder_.told, std::vector<std::string>{"up 7"});
  Connection* connection = recorder_.dialled;
  EXPECT_EQ(connection->tls->PeerPin(), TestCertificate().pin);
  const std::string frame = TextFrame("to the peer");
  std::memcpy(table_.Append(connection, frame.size()), frame.data(), frame.size());
  Turns(1'000);
  EXPECT_EQ(peer_.frames, std::vector{frame});
  peer_table_.ForEach([](Connection& accepted) {
    EXPECT_EQ(accepted.tls->PeerPin(), TestCertificate().pin);
  });
  EXPECT_EQ(recorder_.told.size(), 1u);
}

TEST_F(DialTlsTest, FailsAtAPeerThatHangsUp) {
  peer_table_.SetTls(nullptr, 1);
  table_.Dial(kPeer, 7, {.tls = true, .server_name = "a.example"});
  Turns(100);
  peer_table_.ForEach([this](Connection& accepted) {
    peer_table_.End(&accepted, CloseReason::kBadHandshake);
  });
  Turns(100);
  EXPECT_EQ(recorder_.told, std::vector<std::string>{"7 TLS: the other side hung up"});
  EXPECT_EQ(recorder_.freed, 1u);
  EXPECT_TRUE(recorder_.ended.empty());
}

TEST_F(DialTlsTest, FailsAtAPeerThatSaysNothing) {
  peer_table_.SetTls(nullptr, 1);
  table_.Dial(kPeer, 7, {.tls = true, .server_name = "a.example"});
  Turns(100);
  network_.AdvanceTo(network_.now_ns() + 10'100'000'000);
  Turns(100);
  EXPECT_EQ(recorder_.told, std::vector<std::string>{"7 TLS: no answer in time"});
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(DialTlsTest, FailsAtAPeerThatAnswersRubbish) {
  peer_table_.SetTls(nullptr, 1);
  table_.Dial(kPeer, 7, {.tls = true, .server_name = "a.example"});
  Turns(100);
  ASSERT_EQ(peer_table_.count(), 1u);
  peer_table_.ForEach([this](Connection& accepted) {
    const std::string frame = TextFrame("what is this?");
    std::memcpy(peer_table_.Append(&accepted, frame.size()), frame.data(), frame.size());
  });
  Turns(100);
  EXPECT_EQ(recorder_.told, std::vector<std::string>{"7 TLS: wrong version number"});
}

}  // namespace
}  // namespace solec

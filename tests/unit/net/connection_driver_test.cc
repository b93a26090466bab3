#include "net/connection_driver.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "io/sim_io.h"

namespace solec {
namespace {

static_assert(Io<SimIo>);

// Bytes go at once, whole, and nothing breaks by itself.
SimFaults Calm() {
  return {.delay_ns_max = 0,
          .segment_bytes_max = 1 << 20,
          .tiny_segment_percent = 0,
          .socket_buffer_bytes = 128 * 1024,
          .partial_percent = 0,
          .starved_percent = 0};
}

// Writes down what it is told, and does what the test says.
struct Recorder {
  ConnectionTable* table = nullptr;
  std::vector<std::string> frames;
  std::vector<CloseReason> ended;
  size_t freed = 0, drained = 0, hold_expired = 0;
  bool may_accept = true;
  ConnectionConfig config{10'000, 30'000, 1'000};
  std::vector<std::pair<uint64_t, std::string>> dialled;  // tag, and what came of it
  std::function<FrameVerdict(Connection*, const Frame&)> on_frame;
  std::function<void(Connection*)> on_dialed;

  void SetNow(uint64_t) {}
  bool MayAccept(Connection*) { return may_accept; }
  void OnDialed(Connection* connection, uint64_t tag) {
    dialled.push_back({tag, "up"});
    if (on_dialed) on_dialed(connection);
  }
  void OnDialFailed(uint64_t tag, DialStep, std::string_view text) {
    dialled.push_back({tag, std::string(text)});
  }
  FrameVerdict OnFrame(Connection* connection, const Frame& frame, size_t) {
    const FrameVerdict verdict = on_frame ? on_frame(connection, frame) : FrameVerdict::kNext;
    const bool shown_again =
        verdict == FrameVerdict::kHoldBefore || verdict == FrameVerdict::kMoveBefore;
    if (!shown_again) frames.emplace_back(frame.text());
    return verdict;
  }
  void OnEnding(Connection* connection) { ended.push_back(connection->close_reason); }
  void OnOutputDrained(Connection*) { ++drained; }
  void OnHoldExpired(Connection*) { ++hold_expired; }
  void OnFreed(Connection*) { ++freed; }
  ConnectionConfig connection_config() const { return config; }
  void CountReceived(uint64_t) {}
  void CountSent(uint64_t) {}
};

using Driver = ConnectionDriver<SimIo, Recorder>;

std::string TextFrame(std::string_view payload) {
  std::string frame(kFrameHeaderSize, '\0');
  frame[0] = static_cast<char>(PayloadType::kTest);
  StoreBig(reinterpret_cast<uint8_t*>(frame.data()) + 1, static_cast<uint16_t>(payload.size()));
  return frame.append(payload);
}

class ConnectionDriverTest : public testing::Test {
 protected:
  explicit ConnectionDriverTest(SimFaults faults = Calm()) : network_(1, faults) {
    ios_ = {&io_};
    recorder_.table = &table_;
  }

  void Turn() {
    network_.Progress();
    io_.Turn(driver_, false);
    driver_.RunTimers();
    driver_.RunMoves([this](Connection* connection, auto release) {
      moved_.push_back(
          {release(), std::string(AsString(Bytes(connection->held, connection->held_size)))});
    });
    driver_.Flush();
    network_.Progress();
  }
  void Turns(int count) {
    for (int i = 0; i < count; ++i) {
      Turn();
      if (client_ != nullptr) client_->Step();
    }
  }
  void Dial() {
    client_ = std::make_unique<SimClient>(&network_, 0);
    Turn();
    ASSERT_EQ(table_.count(), 1u);
    table_.ForEach([this](Connection& connection) { connection_ = &connection; });
  }
  // A session, as far as the driver is concerned.
  void DialOpen() {
    Dial();
    connection_->state = ConnectionState::kOpen;
    connection_->since_ms = 0;
    table_.timers().Cancel(connection_->socket.index);
  }
  void Write(std::string_view bytes) {
    client_->Write(AsBytes(bytes));
    client_->Step();
  }
  void Append(std::string_view payload) {
    const std::string frame = TextFrame(payload);
    std::memcpy(table_.Append(connection_, frame.size()), frame.data(), frame.size());
  }
  void Wait(uint64_t ms) { network_.AdvanceTo(network_.now_ns() + ms * 1'000'000); }

  struct Moved {
    uint64_t handle;
    std::string input;
  };

  SimNetwork network_;
  std::vector<SimIo*> ios_;
  SimIo io_{&network_, &ios_};
  BufferPool buffers_;
  ConnectionTable table_{&buffers_, 1'000'000'000};
  Recorder recorder_;
  Driver driver_{&io_, &table_, &recorder_};
  std::unique_ptr<SimClient> client_;
  Connection* connection_ = nullptr;
  std::vector<Moved> moved_;
};

// --- frames ---

TEST_F(ConnectionDriverTest, FindsFramesCutAtEveryByte) {
  const std::vector<std::string> frames = {TextFrame("abc"), TextFrame(""),
                                           TextFrame("0123456789")};
  const std::string stream = frames[0] + frames[1] + frames[2];
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    for (size_t second = cut; second <= stream.size(); ++second) {
      DialOpen();
      recorder_.frames.clear();
      for (const auto& part :
           {stream.substr(0, cut), stream.substr(cut, second - cut), stream.substr(second)}) {
        Write(part);
        Turn();
      }
      EXPECT_EQ(recorder_.frames, frames) << cut << " " << second;
      client_->Close();
      Turns(4);
      ASSERT_EQ(table_.count(), 0u);
    }
  }
}

TEST_F(ConnectionDriverTest, FindsFramesThatComeByteByByte) {
  DialOpen();
  const std::string big = TextFrame(std::string(kPayloadBytesMax, 'x'));
  const std::string stream = TextFrame("abc") + TextFrame("") + TextFrame("d");
  for (const char byte : stream) {
    Write(std::string(1, byte));
    Turn();
  }
  EXPECT_EQ(recorder_.frames.size(), 3u);
  Write(big + TextFrame("end"));
  Turns(20);
  ASSERT_EQ(recorder_.frames.size(), 5u);
  EXPECT_EQ(recorder_.frames[3], big);
  EXPECT_EQ(connection_->held_size, 0u);
}

TEST_F(ConnectionDriverTest, HoldsInputFromTheNextFrameOnAndResumesInOrder) {
  for (const bool before : {false, true}) {
    DialOpen();
    recorder_.frames.clear();
    bool held_once = false;
    recorder_.on_frame = [&](Connection* connection, const Frame& frame) {
      if (AsString(frame.payload) != "hold" || held_once) return FrameVerdict::kNext;
      held_once = true;
      table_.Hold(connection, kHoldRequest);
      return before ? FrameVerdict::kHoldBefore : FrameVerdict::kHoldAfter;
    };
    const std::vector<std::string> all = {TextFrame("a"), TextFrame("hold"), TextFrame("b"),
                                          TextFrame("c"), TextFrame("d")};
    Write(all[0] + all[1] + all[2]);
    Turn();
    const size_t shown = before ? 1 : 2;
    EXPECT_EQ(recorder_.frames.size(), shown);
    Write(all[3].substr(0, 2));  // and more comes while it is on hold, cut in a frame
    Turn();
    EXPECT_EQ(recorder_.frames.size(), shown);
    table_.Unhold(connection_, kHoldRequest);
    Turn();
    Write(all[3].substr(2) + all[4]);
    Turns(2);
    EXPECT_EQ(recorder_.frames, all);
    client_->Close();
    Turns(4);
    ASSERT_EQ(table_.count(), 0u);
  }
}

TEST_F(ConnectionDriverTest, ResumesOnlyWhenEveryReasonIsGone) {
  DialOpen();
  table_.Hold(connection_, kHoldRequest);
  table_.Hold(connection_, kHoldReader);
  Write(TextFrame("a"));
  Turns(2);
  table_.Unhold(connection_, kHoldReader);
  Turns(2);
  EXPECT_TRUE(recorder_.frames.empty());
  table_.Unhold(connection_, kHoldRequest);
  Turns(2);
  EXPECT_EQ(recorder_.frames.size(), 1u);
}

TEST_F(ConnectionDriverTest, StopsReceivingWhileTooMuchIsHeldAndLosesNothing) {
  DialOpen();
  Write(TextFrame("from here on it streams"));
  Turns(2);
  recorder_.frames.clear();
  table_.Hold(connection_, kHoldReader);
  const std::string frame = TextFrame(std::string(1'000, 'x'));
  std::string stream;
  for (int i = 0; i < 500; ++i) stream += frame;
  Write(stream);
  Turns(100);
  EXPECT_FALSE(connection_->receiving);
  // The turn that went over the bound, and the one that stops, may each bring a whole buffer of the
  // network.
  EXPECT_GT(connection_->held_size, Driver::kHeldBytesStop);
  EXPECT_LE(connection_->held_size, 2 * Calm().socket_buffer_bytes);
  table_.Unhold(connection_, kHoldReader);
  Turns(100);
  EXPECT_EQ(recorder_.frames.size(), 500u);
  EXPECT_TRUE(connection_->receiving);
}

TEST_F(ConnectionDriverTest, ShowsNoFrameBehindOneThatEndedTheConnection) {
  DialOpen();
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.End(connection, CloseReason::kTooSlow, ErrorCode::kTooSlow);
    return FrameVerdict::kNext;  // as a handler says whose own answer did not fit
  };
  Write(TextFrame("a") + TextFrame("b") + TextFrame("c"));
  Turn();
  EXPECT_EQ(recorder_.frames.size(), 1u);
  // And so if the first frame came in two parts.
  client_->Close();
  Turns(4);
  DialOpen();
  recorder_.frames.clear();
  Write(TextFrame("a").substr(0, 2));
  Turn();
  Write(TextFrame("a").substr(2) + TextFrame("b"));
  Turn();
  EXPECT_EQ(recorder_.frames.size(), 1u);
}

// --- the end ---

TEST_F(ConnectionDriverTest, EndsWhenThePeerCloses) {
  DialOpen();
  Write(TextFrame("last"));
  client_->FinishWriting();
  Turns(6);
  EXPECT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
  EXPECT_EQ(recorder_.freed, 1u);
  EXPECT_TRUE(client_->ended());
  EXPECT_FALSE(client_->was_reset());
  EXPECT_EQ(io_.socket_count(), 0u);
}

TEST_F(ConnectionDriverTest, EndsWhenThePeerResets) {
  DialOpen();
  Append("waits");
  client_->Reset();
  Turns(6);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerReset});
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(ConnectionDriverTest, ParsesWhatWasHeldBeforeItEndsForThePeerHasClosed) {
  DialOpen();
  table_.Hold(connection_, kHoldRequest);
  Write(TextFrame("a") + TextFrame("b"));
  client_->FinishWriting();
  Turns(4);
  EXPECT_TRUE(recorder_.ended.empty());
  table_.Unhold(connection_, kHoldRequest);
  Turns(6);
  EXPECT_EQ(recorder_.frames.size(), 2u);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kPeerClosed});
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(ConnectionDriverTest, SendsOutputAndThenTheErrorAndLingersUntilThePeerCloses) {
  DialOpen();
  Append("before");
  table_.End(connection_, CloseReason::kMalformed, ErrorCode::kMalformed);
  table_.End(connection_, CloseReason::kTooSlow, ErrorCode::kTooSlow);  // the first counts
  Write(TextFrame("this is read and forgotten"));
  Turns(4);
  EXPECT_TRUE(recorder_.frames.empty());
  std::string expected = TextFrame("before");
  AppendFrame(Error{ErrorCode::kMalformed}, &expected);
  EXPECT_EQ(client_->input, expected);
  EXPECT_TRUE(client_->ended());
  EXPECT_FALSE(client_->was_reset());
  EXPECT_EQ(connection_->state, ConnectionState::kLingering);
  EXPECT_EQ(recorder_.freed, 0u);
  client_->Close();
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(ConnectionDriverTest, LingersNoLongerThanItsTime) {
  DialOpen();
  table_.End(connection_, CloseReason::kNotAllowed, ErrorCode::kNotAllowed);
  Turns(4);
  Wait(Driver::kLingerMs + 50);
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(ConnectionDriverTest, GivesLastOutputNoLongerThanTheLingeringTime) {
  DialOpen();
  client_->reading = false;
  for (int i = 0; i < 40; ++i) Append(std::string(60'000, 'x'));  // more than the network takes
  table_.End(connection_, CloseReason::kShuttingDown, ErrorCode::kShuttingDown);
  Turns(4);
  EXPECT_EQ(connection_->state, ConnectionState::kFlushing);
  Wait(Driver::kLingerMs + 50);
  Turns(4);
  EXPECT_EQ(recorder_.freed, 1u);
}

TEST_F(ConnectionDriverTest, ClosesAtOnceWhatMayNotBeAccepted) {
  recorder_.may_accept = false;
  client_ = std::make_unique<SimClient>(&network_, 0);
  Turns(4);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(recorder_.ended.empty());
  EXPECT_EQ(recorder_.freed, 1u);
}

// --- deadlines ---

TEST_F(ConnectionDriverTest, ClosesAConnectionThatDoesNotLogIn) {
  Dial();
  Wait(recorder_.config.login_timeout_ms - 100);
  Turns(2);
  EXPECT_TRUE(recorder_.ended.empty());
  Wait(200);
  Turns(2);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kLoginTimeout});
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(client_->input, "");
}

TEST_F(ConnectionDriverTest, EndsAReaderThatTakesNothing) {
  DialOpen();
  client_->reading = false;
  for (int i = 0; i < 40; ++i) Append(std::string(60'000, 'x'));
  Turns(3);
  Wait(recorder_.config.output_stall_timeout_ms - 1'000);
  Turns(2);
  EXPECT_TRUE(recorder_.ended.empty());
  Wait(1'100);
  Turns(2);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kTooSlow});
}

TEST_F(ConnectionDriverTest, SparesAReaderThatTakesALittle) {
  DialOpen();
  client_->reading = false;
  for (int i = 0; i < 40; ++i) Append(std::string(60'000, 'x'));
  Turns(3);
  for (int i = 0; i < 10; ++i) {
    Wait(recorder_.config.output_stall_timeout_ms - 1'000);
    client_->connection().down.arrived.erase(0, 1'000);  // it reads this much
    Turns(2);
  }
  EXPECT_TRUE(recorder_.ended.empty());
}

TEST_F(ConnectionDriverTest, TellsWhenOutputHasBecomeShort) {
  DialOpen();
  Append(std::string(5'000, 'x'));
  connection_->drained_wanted = true;
  Turns(3);
  EXPECT_EQ(recorder_.drained, 1u);
  Append("more");
  Turns(3);
  EXPECT_EQ(recorder_.drained, 1u);  // only if it was asked about
}

// --- moves ---

TEST_F(ConnectionDriverTest, MovesWithTheFrameAndAllBehindIt) {
  Dial();
  recorder_.on_frame = [&](Connection* connection, const Frame& frame) {
    if (AsString(frame.payload) != "move") return FrameVerdict::kNext;
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  const std::string rest = TextFrame("move") + TextFrame("a") + TextFrame("cut").substr(0, 4);
  Write(TextFrame("first") + rest);
  Turns(3);
  ASSERT_EQ(moved_.size(), 1u);
  EXPECT_EQ(moved_[0].input, rest);
  EXPECT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(recorder_.freed, 1u);
  EXPECT_EQ(table_.count(), 0u);
  // The other shard goes on with it where it was.
  recorder_.on_frame = nullptr;
  recorder_.frames.clear();
  driver_.Adopt(moved_[0].handle, AsBytes(moved_[0].input), 1'000);
  Write(TextFrame("cut").substr(4));
  Turns(4);
  EXPECT_EQ(recorder_.frames, (std::vector{TextFrame("move"), TextFrame("a"), TextFrame("cut")}));
}

TEST_F(ConnectionDriverTest, MovesOnlyWhenItsOutputHasLeft) {
  Dial();
  client_->reading = false;
  for (int i = 0; i < 40; ++i) Append(std::string(60'000, 'x'));
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  Write(TextFrame("move"));
  Turns(5);
  EXPECT_TRUE(moved_.empty());
  client_->reading = true;
  Turns(100);
  EXPECT_EQ(moved_.size(), 1u);
}

TEST_F(ConnectionDriverTest, KeepsTheLoginDeadlineAcrossAMove) {
  Dial();
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  const uint32_t since_ms = connection_->since_ms;
  Wait(recorder_.config.login_timeout_ms - 1'000);
  Write(TextFrame("move"));
  Turns(3);
  ASSERT_EQ(moved_.size(), 1u);
  recorder_.on_frame = nullptr;
  driver_.Adopt(moved_[0].handle, AsBytes(moved_[0].input), since_ms);
  Turns(2);
  EXPECT_TRUE(recorder_.ended.empty());
  Wait(1'100);
  Turns(2);
  EXPECT_EQ(recorder_.ended, std::vector{CloseReason::kLoginTimeout});
}

TEST_F(ConnectionDriverTest, TakesInAConnectionFromAShardWhoseClockIsAhead) {
  Dial();
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  const uint32_t since_ms = connection_->since_ms;
  Write(TextFrame("move"));
  Turns(3);
  ASSERT_EQ(moved_.size(), 1u);
  recorder_.on_frame = nullptr;
  driver_.Adopt(moved_[0].handle, AsBytes(moved_[0].input), since_ms + 2);
  Wait(recorder_.config.login_timeout_ms / 2);
  Turns(2);
  EXPECT_TRUE(recorder_.ended.empty());
}

TEST_F(ConnectionDriverTest, EndsAConnectionThatBreaksWhileItMoves) {
  Dial();
  client_->reading = false;
  for (int i = 0; i < 40; ++i) Append(std::string(60'000, 'x'));
  recorder_.on_frame = [&](Connection* connection, const Frame&) {
    table_.Move(connection, 1);
    return FrameVerdict::kMoveBefore;
  };
  Write(TextFrame("move"));
  Turns(3);
  client_->Reset();
  Turns(6);
  EXPECT_TRUE(moved_.empty());
  EXPECT_EQ(recorder_.freed, 1u);
  EXPECT_EQ(io_.socket_count(), 0u);
}

// The index of a freed connection is used again within the turn, while lists still hold it.
TEST_F(ConnectionDriverTest, UsesAnIndexAgainWhileListsStillHoldIt) {
  DialOpen();
  Write(TextFrame("from here on it streams"));
  Turns(2);
  recorder_.frames.clear();
  const uint32_t index = connection_->socket.index;
  table_.Hold(connection_, kHoldRequest);
  Write(TextFrame("old"));
  Turns(2);
  table_.Unhold(connection_, kHoldRequest);
  Append("never sent");
  client_->Reset();
  network_.Progress();
  io_.Turn(driver_, false);  // it has ended, and stands on three lists
  driver_.Flush();
  Append("too late");
  io_.Turn(driver_, false);
  ASSERT_EQ(table_.count(), 0u);
  DialOpen();
  ASSERT_EQ(connection_->socket.index, index);
  Write(TextFrame("new"));
  Turns(3);
  EXPECT_EQ(recorder_.frames, std::vector{TextFrame("new")});
  EXPECT_EQ(connection_->holds, 0);
  Append("answer");
  Turns(3);
  EXPECT_EQ(client_->input, TextFrame("answer"));
}

}  // namespace
}  // namespace solec

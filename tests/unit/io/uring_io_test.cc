// Sending, closing, waking and handing over on a real ring.

#include "io/uring_io.h"

#include <thread>

#include "tests/unit/io/ring_fixture.h"

namespace solec {
namespace {

class UringIoTest : public RingFixture {
 protected:
  void SetUp() override { Make({}); }
};

TEST_F(UringIoTest, SendsSlicesAsOneStreamAndTellsHowMuch) {
  const auto [fd, socket] = Pair();
  std::string wanted;
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < kIoSlicesMax; ++i) texts.push_back(Pattern(1 + i * 50, i));
  std::vector<Bytes> slices;
  for (const std::string& text : texts) {
    slices.push_back(AsBytes(text));
    wanted += text;
  }
  io->Send(socket, slices);
  ASSERT_TRUE(Until([&] { return !seen.sent.empty(); }));
  EXPECT_EQ(static_cast<int64_t>(wanted.size()), seen.sent.front());
  EXPECT_TRUE(wanted == Read(fd, wanted.size()));
}

TEST_F(UringIoTest, ASendWaitsForASlowReaderAndIsWhole) {
  const auto [fd, socket] = Pair();
  const std::string text = Pattern(16 << 20, 1);
  const Bytes slice = AsBytes(text);
  io->Send(socket, {&slice, 1});
  for (int i = 0; i < 3; ++i) io->Turn(seen, false);
  EXPECT_TRUE(seen.sent.empty());
  std::string got;
  std::thread reader([&, client = fd] { got = Read(client, text.size()); });
  const bool sent = Until([&] { return !seen.sent.empty(); });
  reader.join();
  ASSERT_TRUE(sent);
  EXPECT_EQ(static_cast<int64_t>(text.size()), seen.sent.front());
  EXPECT_TRUE(text == got);
}

TEST_F(UringIoTest, MoreSendsThanTheSubmissionQueueHolds) {
  UringOptions options;
  options.entries = 4;
  Make(options);
  std::vector<std::pair<int, SocketId>> pairs;
  for (int i = 0; i < 30; ++i) pairs.push_back(Pair());
  const std::string text = "one of many";
  const Bytes both[] = {AsBytes(text), AsBytes(text)};
  for (const auto& pair : pairs) io->Send(pair.second, both);
  ASSERT_TRUE(Until([&] { return seen.sent.size() == pairs.size(); }));
  for (const auto& pair : pairs) EXPECT_EQ(text + text, Read(pair.first, 2 * text.size()));
}

TEST_F(UringIoTest, ASendToAPeerThatIsGoneFails) {
  const auto [fd, socket] = Pair();
  const linger reset{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(fd);
  clients.pop_back();
  io->Receive(socket, ReceiveMode::kStream);
  ASSERT_TRUE(Until([&] { return !seen.ends.empty(); }));
  const std::string text = "too late";
  const Bytes slice = AsBytes(text);
  io->Send(socket, {&slice, 1});
  ASSERT_TRUE(Until([&] { return !seen.sent.empty(); }));
  EXPECT_EQ(-EPIPE, seen.sent.front());
}

TEST_F(UringIoTest, CloseEndsWhatIsUnderWayAndIsTheLastEvent) {
  const auto [fd, socket] = Pair();
  io->Receive(socket, ReceiveMode::kStream);
  const std::string text = Pattern(16 << 20, 1);
  const Bytes slice = AsBytes(text);
  io->Send(socket, {&slice, 1});
  for (int i = 0; i < 3; ++i) io->Turn(seen, false);
  ASSERT_TRUE(seen.sent.empty());
  io->Close(socket);
  ASSERT_TRUE(Until([&] { return !seen.closed.empty(); }));
  EXPECT_EQ(1u, seen.sent.size());
  EXPECT_LT(seen.sent.front(), static_cast<int64_t>(text.size()));
  EXPECT_EQ(socket, seen.closed.front());
  // The index is used again, under another generation.
  const auto [next_fd, next] = Pair();
  EXPECT_EQ(socket.index, next.index);
  EXPECT_NE(socket.generation, next.generation);
  io->Receive(next, ReceiveMode::kStream);
  Write(next_fd, "new");
  ASSERT_TRUE(Until([&] { return seen.received[next.index] == "new"; }));
  EXPECT_EQ(1u, seen.closed.size());
}

TEST_F(UringIoTest, ShutdownLetsThePeerReadToTheEnd) {
  const auto [fd, socket] = Pair();
  const std::string text = "goodbye";
  const Bytes slice = AsBytes(text);
  io->Send(socket, {&slice, 1});
  ASSERT_TRUE(Until([&] { return !seen.sent.empty(); }));
  io->ShutdownWrite(socket);
  EXPECT_EQ(text, Read(fd, text.size() + 1));
}

TEST_F(UringIoTest, AReleasedSocketGoesOnInAnotherRing) {
  const auto [fd, socket] = Pair();
  const int released = io->Release(socket);
  absl::StatusOr<std::unique_ptr<UringIo>> other = UringIo::Create({});
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Start().ok());
  io = *std::move(other);
  const SocketId adopted = io->Adopt(released);
  io->Receive(adopted, ReceiveMode::kStream);
  Write(fd, "moved");
  ASSERT_TRUE(Until([&] { return seen.received[adopted.index] == "moved"; }));
}

TEST_F(UringIoTest, ATimerEndsATurnWithoutEvents) {
  const uint64_t deadline_ns = io->NowNs() + 3'000'000;
  // Events that are nobody's (a wake read, say) may end a turn early.
  for (int i = 0; i < 100 && io->NowNs() < deadline_ns; ++i) {
    io->SetTimer(deadline_ns);
    io->Turn(seen, true);
  }
  EXPECT_GE(io->NowNs(), deadline_ns);
}

TEST_F(UringIoTest, WakesFromAnotherRingAndFromOutsideEndASleep) {
  // Both rings on threads of their own, as shards are.
  absl::StatusOr<std::unique_ptr<UringIo>> other = UringIo::Create({});
  ASSERT_TRUE(other.ok());
  (*other)->SetPeers({io->ring_fd()});
  std::thread waker([&] {
    Recorder nothing;
    EXPECT_TRUE((*other)->Start().ok());
    (*other)->Wake(0);
    (*other)->Turn(nothing, false);
  });
  io->SetTimer(kNoDeadline);
  io->Turn(seen, true);  // returns, or the test hangs until its runner ends it
  waker.join();
  std::thread outside([&] { io->WakeFromOutside(); });
  io->SetTimer(kNoDeadline);
  io->Turn(seen, true);
  outside.join();
}

TEST_F(UringIoTest, StopListeningRefusesNewConnections) {
  const auto [fd, socket] = Pair();
  io->StopListening();
  ASSERT_TRUE(Until([&] {
    const int late = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool refused =
        connect(late, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 &&
        errno == ECONNREFUSED;
    close(late);
    return refused;
  }));
  io->Receive(socket, ReceiveMode::kStream);  // those that are there stay
  Write(fd, "still here");
  ASSERT_TRUE(Until([&] { return seen.received[socket.index] == "still here"; }));
}

TEST_F(UringIoTest, KnowsItsPeersAddressAndWhatItAcknowledged) {
  const auto [fd, socket] = Pair();
  EXPECT_EQ(LocalAddress(fd), io->PeerText(socket));
  const uint64_t before = io->AckedBytes(socket);
  const std::string text = Pattern(1000, 1);
  const Bytes slice = AsBytes(text);
  io->Send(socket, {&slice, 1});
  ASSERT_TRUE(Until([&] { return !seen.sent.empty(); }));
  EXPECT_EQ(text, Read(fd, text.size()));
  ASSERT_TRUE(Until([&] { return io->AckedBytes(socket) == before + text.size(); }));
  EXPECT_EQ(io->UnackedBytes(socket), 0u);
}

}  // namespace
}  // namespace solec

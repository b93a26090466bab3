// Receiving on a real ring, in every way of using its buffers that this kernel has.

#include "io/uring_probe.h"
#include "tests/unit/io/ring_fixture.h"

namespace solec {
namespace {

class UringReceive : public RingFixture, public testing::WithParamInterface<ReceiveBufferMode> {
 protected:
  void SetUp() override {
    const absl::StatusOr<UringFeatures> features = ProbeUring();
    ASSERT_TRUE(features.ok()) << features.status();
    if ((GetParam() == ReceiveBufferMode::kIncremental && !features->incremental_buffers) ||
        (GetParam() == ReceiveBufferMode::kBundles && !features->receive_bundles)) {
      GTEST_SKIP() << "this kernel has no " << ReceiveBufferModeName(GetParam()) << " buffers";
    }
    supported = true;
  }
  UringOptions Options(uint32_t count, uint32_t bytes) const {
    UringOptions options;
    options.receive_buffers = {GetParam(), count, bytes};
    return options;
  }
  bool supported = false;
};

INSTANTIATE_TEST_SUITE_P(Modes, UringReceive,
                         testing::Values(ReceiveBufferMode::kPlain, ReceiveBufferMode::kBundles,
                                         ReceiveBufferMode::kIncremental),
                         [](const testing::TestParamInfo<ReceiveBufferMode>& mode) {
                           return std::string(ReceiveBufferModeName(mode.param));
                         });

TEST_P(UringReceive, StreamsEveryByteInOrderOfSeveralSocketsThroughFewBuffers) {
  Make(Options(4, 4096));
  seen.on_accept = [this](SocketId socket) { io->Receive(socket, ReceiveMode::kStream); };
  constexpr size_t kSockets = 5, kRound = 30'000, kRounds = 10;
  std::vector<int> fds;
  std::vector<SocketId> sockets;
  for (size_t i = 0; i < kSockets; ++i) {
    const auto [fd, socket] = Pair();
    fds.push_back(fd);
    sockets.push_back(socket);
  }
  std::vector<std::string> wanted(kSockets);
  for (uint32_t round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kSockets; ++i) {
      const std::string text = Pattern(kRound + round * 7 + i, round * 100 + i);
      Write(fds[i], text);
      wanted[i] += text;
    }
    ASSERT_TRUE(Until([&] {
      for (size_t i = 0; i < kSockets; ++i) {
        if (seen.received[sockets[i].index].size() < wanted[i].size()) return false;
      }
      return true;
    }));
  }
  for (size_t i = 0; i < kSockets; ++i) EXPECT_TRUE(wanted[i] == seen.received[sockets[i].index]);
}

TEST_P(UringReceive, SmallPiecesFillAndGiveBackABufferManyTimes) {
  Make(Options(2, 4096));
  const auto [fd, socket] = Pair();
  io->Receive(socket, ReceiveMode::kStream);
  std::string wanted;
  for (uint32_t i = 0; i < 500; ++i) {
    const std::string text = Pattern(1 + i % 97, i);
    Write(fd, text);
    wanted += text;
    ASSERT_TRUE(Until([&] { return seen.received[socket.index].size() == wanted.size(); }));
  }
  EXPECT_TRUE(wanted == seen.received[socket.index]);
  EXPECT_EQ(0u, io->counts().buffers_exhausted);
}

TEST_P(UringReceive, RunningOutOfBuffersDelaysButLosesNothing) {
  Make(Options(1, 4096));
  constexpr size_t kSockets = 16;
  std::vector<SocketId> sockets;
  for (uint32_t i = 0; i < kSockets; ++i) {
    const auto [fd, socket] = Pair();
    sockets.push_back(socket);
    Write(fd, Pattern(9'000, i));  // more than all buffers hold, for each socket
  }
  for (const SocketId socket : sockets) io->Receive(socket, ReceiveMode::kStream);
  ASSERT_TRUE(Until([&] {
    for (const SocketId socket : sockets) {
      if (seen.received[socket.index].size() < 9'000) return false;
    }
    return true;
  }));
  for (uint32_t i = 0; i < kSockets; ++i) {
    EXPECT_TRUE(Pattern(9'000, i) == seen.received[sockets[i].index]);
  }
  EXPECT_GT(io->counts().buffers_exhausted, 0u);
  EXPECT_TRUE(seen.ends.empty());
}

TEST_P(UringReceive, AStopWhileItWaitsForABufferIsAnsweredAndResumed) {
  Make(Options(1, 4096));
  std::vector<std::pair<int, SocketId>> pairs;
  for (uint32_t i = 0; i < 8; ++i) {
    pairs.push_back(Pair());
    Write(pairs.back().first, Pattern(20'000, i));
  }
  // Each is stopped at its first bytes, when others wait for the only buffer.
  seen.on_receive = [&](SocketId) {
    for (const auto& pair : pairs) io->StopReceive(pair.second);
  };
  for (const auto& pair : pairs) io->Receive(pair.second, ReceiveMode::kStream);
  ASSERT_TRUE(Until([&] { return seen.ends.size() == pairs.size(); }));
  for (const auto& [index, ends] : seen.ends) EXPECT_EQ(ReceiveEnd::kStopped, ends.front().end);
  seen.on_receive = nullptr;
  for (const auto& pair : pairs) io->Receive(pair.second, ReceiveMode::kStream);
  ASSERT_TRUE(Until([&] {
    for (const auto& pair : pairs) {
      if (seen.received[pair.second.index].size() < 20'000) return false;
    }
    return true;
  }));
  for (uint32_t i = 0; i < pairs.size(); ++i) {
    EXPECT_TRUE(Pattern(20'000, i) == seen.received[pairs[i].second.index]);
  }
}

TEST_P(UringReceive, OnceDeliversOnePieceAndEnds) {
  Make(Options(4, 4096));
  const auto [fd, socket] = Pair();
  io->Receive(socket, ReceiveMode::kOnce);
  Write(fd, "hello");
  ASSERT_TRUE(Until([&] { return !seen.ends.empty(); }));
  EXPECT_EQ("hello", seen.received[socket.index]);
  EXPECT_EQ(ReceiveEnd::kDone, seen.ends[socket.index].front().end);
  EXPECT_EQ(1u, seen.piece_count[socket.index]);
}

TEST_P(UringReceive, ThePeersEndComesBehindItsBytes) {
  Make(Options(4, 4096));
  const auto [fd, socket] = Pair();
  io->Receive(socket, ReceiveMode::kStream);
  Write(fd, "last words");
  shutdown(fd, SHUT_WR);
  ASSERT_TRUE(Until([&] { return !seen.ends.empty(); }));
  EXPECT_EQ("last words", seen.received[socket.index]);
  EXPECT_EQ(ReceiveEnd::kEof, seen.ends[socket.index].front().end);
}

TEST_P(UringReceive, AResetIsAnError) {
  Make(Options(4, 4096));
  const auto [fd, socket] = Pair();
  io->Receive(socket, ReceiveMode::kStream);
  const linger reset{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(fd);
  clients.pop_back();
  ASSERT_TRUE(Until([&] { return !seen.ends.empty(); }));
  EXPECT_EQ(ReceiveEnd::kError, seen.ends[socket.index].front().end);
  EXPECT_EQ(ECONNRESET, seen.ends[socket.index].front().error);
}

TEST_P(UringReceive, AFullCompletionQueueLosesNothing) {
  UringOptions options = Options(64, 4096);
  options.entries = 2;  // and so 8 completions
  Make(options);
  constexpr size_t kSockets = 40;
  std::vector<std::pair<int, SocketId>> pairs;
  for (size_t i = 0; i < kSockets; ++i) pairs.push_back(Pair());
  for (const auto& pair : pairs) io->Receive(pair.second, ReceiveMode::kStream);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < kSockets; ++i) Write(pairs[i].first, Pattern(100, round * 100 + i));
    ASSERT_TRUE(Until([&] {
      for (const auto& pair : pairs) {
        if (seen.received[pair.second.index].size() < (round + 1) * 100) return false;
      }
      return true;
    }));
  }
  EXPECT_TRUE(seen.ends.empty());
}

}  // namespace
}  // namespace solec

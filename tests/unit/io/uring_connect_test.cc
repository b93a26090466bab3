// Dialling on a real ring, on loopback.

#include <sys/resource.h>

#include "tests/unit/io/ring_fixture.h"

namespace solec {
namespace {

class UringConnectTest : public RingFixture {
 protected:
  void SetUp() override { Make({}); }

  NetAddress Here() const {
    NetAddress address = *ParseNetAddress("127.0.0.1:1");
    address.port = ntohs(port);
    return address;
  }
  // An address that nobody listens on: its listener was there, and is gone.
  static NetAddress Nobody() {
    absl::StatusOr<int> fd = OpenListener("127.0.0.1:0", false);
    EXPECT_TRUE(fd.ok());
    const NetAddress address = *ParseNetAddress(LocalAddress(*fd));
    close(*fd);
    return address;
  }
};

TEST_F(UringConnectTest, ConnectsAndCarriesBytesBothWays) {
  const SocketId socket = io->Connect(Here());
  ASSERT_TRUE(Until([&] { return !seen.connected.empty() && !seen.accepted.empty(); }));
  EXPECT_EQ(seen.connected.front(), std::make_pair(socket, 0));
  EXPECT_EQ(io->PeerText(socket), FormatNetAddress(Here()));
  io->Receive(socket, ReceiveMode::kStream);
  io->Receive(seen.accepted.front(), ReceiveMode::kStream);
  const std::string there = "there", back = "and back";
  const Bytes slices[] = {AsBytes(there), AsBytes(back)};
  io->Send(socket, {&slices[0], 1});
  io->Send(seen.accepted.front(), {&slices[1], 1});
  ASSERT_TRUE(Until([&] {
    return seen.received[seen.accepted.front().index] == there &&
           seen.received[socket.index] == back;
  }));
}

TEST_F(UringConnectTest, SaysThatItWasRefused) {
  const SocketId socket = io->Connect(Nobody());
  ASSERT_TRUE(Until([&] { return !seen.connected.empty(); }));
  EXPECT_EQ(seen.connected.front(), std::make_pair(socket, ECONNREFUSED));
  io->Close(socket);
  ASSERT_TRUE(Until([&] { return !seen.closed.empty(); }));
  EXPECT_EQ(seen.closed.front(), socket);
}

TEST_F(UringConnectTest, AClosedSocketIsNotToldOfItsConnecting) {
  const SocketId socket = io->Connect(Here());
  io->Close(socket);
  ASSERT_TRUE(Until([&] { return !seen.closed.empty(); }));
  EXPECT_TRUE(seen.connected.empty());
  // Its index is used again.
  const SocketId next = io->Connect(Here());
  EXPECT_EQ(next.index, socket.index);
  ASSERT_TRUE(Until([&] { return !seen.connected.empty(); }));
  EXPECT_EQ(seen.connected.front(), std::make_pair(next, 0));
}

TEST_F(UringConnectTest, ManyConnectAtOnce) {
  UringOptions options;
  options.entries = 4;  // fewer than there are connects
  Make(options);
  for (int i = 0; i < 30; ++i) io->Connect(Here());
  ASSERT_TRUE(Until([&] { return seen.connected.size() == 30 && seen.accepted.size() == 30; }));
  for (const auto& [socket, error] : seen.connected) EXPECT_EQ(error, 0);
}

TEST_F(UringConnectTest, SaysThatThereIsNoDescriptorLeft) {
  rlimit before{};
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
  const SocketId socket = io->Connect(Here());
  const SocketId other = io->Connect(Here());
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
  io->Close(other);
  ASSERT_TRUE(Until([&] { return !seen.connected.empty() && !seen.closed.empty(); }));
  EXPECT_EQ(seen.connected.size(), 1u);
  EXPECT_EQ(seen.connected.front(), std::make_pair(socket, EMFILE));
  EXPECT_EQ(seen.closed.front(), other);
  io->Close(socket);
  ASSERT_TRUE(Until([&] { return seen.closed.size() == 2; }));
}

TEST_F(UringConnectTest, ClosesWhatNobodyAnswers) {
  // A listener whose queue is full answers no more; the kernel takes one more than it was told.
  const int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(0, bind(full, reinterpret_cast<sockaddr*>(&address), sizeof(address)));
  ASSERT_EQ(0, listen(full, 0));
  const NetAddress there = *ParseNetAddress(LocalAddress(full));
  const SocketId first = io->Connect(there);
  ASSERT_TRUE(Until([&] { return !seen.connected.empty(); }));
  EXPECT_EQ(seen.connected.front(), std::make_pair(first, 0));
  const SocketId second = io->Connect(there);
  for (int i = 0; i < 3; ++i) io->Turn(seen, false);
  EXPECT_EQ(seen.connected.size(), 1u);
  io->Close(second);
  ASSERT_TRUE(Until([&] { return !seen.closed.empty(); }));
  EXPECT_EQ(seen.closed.front(), second);
  EXPECT_EQ(seen.connected.size(), 1u);
  close(full);
}

}  // namespace
}  // namespace solec

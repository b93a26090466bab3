// One ring on the test's own thread, a handler that writes down what it is told, and blocking
// sockets on the other side.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/endpoint.h"
#include "io/uring_io.h"

namespace solec {

struct Recorder {
  struct Ended {
    ReceiveEnd end;
    int error;
  };
  std::vector<SocketId> accepted;
  std::map<uint32_t, std::string> received;  // by index
  std::map<uint32_t, size_t> piece_count;
  std::map<uint32_t, std::vector<Ended>> ends;
  std::vector<int64_t> sent;
  std::vector<SocketId> closed;
  std::vector<std::pair<SocketId, int>> connected;
  std::function<void(SocketId)> on_accept, on_receive;

  void OnAccept(uint32_t, SocketId socket) {
    accepted.push_back(socket);
    if (on_accept) on_accept(socket);
  }
  void OnConnected(SocketId socket, int error) { connected.push_back({socket, error}); }
  void OnReceive(SocketId socket, Bytes bytes) {
    received[socket.index] += AsString(bytes);
    ++piece_count[socket.index];
    if (on_receive) on_receive(socket);
  }
  void OnReceiveEnd(SocketId socket, ReceiveEnd end, int error) {
    ends[socket.index].push_back({end, error});
  }
  void OnSent(SocketId, int64_t result) { sent.push_back(result); }
  void OnClosed(SocketId socket) { closed.push_back(socket); }
};

class RingFixture : public testing::Test {
 protected:
  void Make(const UringOptions& options) {
    absl::StatusOr<std::unique_ptr<UringIo>> made = UringIo::Create(options);
    ASSERT_TRUE(made.ok()) << made.status();
    io = *std::move(made);
    absl::StatusOr<int> fd = OpenListener("127.0.0.1:0", false);
    ASSERT_TRUE(fd.ok()) << fd.status();
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ASSERT_EQ(0, getsockname(*fd, reinterpret_cast<sockaddr*>(&address), &size));
    port = address.sin_port;
    io->Listen(0, *fd);
    io->SetPeers({io->ring_fd()});
    ASSERT_TRUE(io->Start().ok());
  }

  void TearDown() override {
    for (const int fd : clients) close(fd);
  }

  // A connected socket of the other side. It blocks, but not for longer than a test may take.
  int Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)));
    // Not before connect: the ring's work interrupts this thread's calls, and one with a time limit
    // is not taken up again by the kernel.
    const timeval limit{10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    clients.push_back(fd);
    return fd;
  }

  // Both ends of a new connection.
  std::pair<int, SocketId> Pair() {
    const int fd = Connect();
    const size_t count = seen.accepted.size();
    EXPECT_TRUE(Until([&] { return seen.accepted.size() > count; }));
    return {fd, seen.accepted.back()};
  }

  // Turns until `done`, for ten seconds at most.
  bool Until(const std::function<bool()>& done) {
    const uint64_t limit_ns = NowNs() + 10'000'000'000;
    while (!done()) {
      if (NowNs() > limit_ns) return false;
      io->SetTimer(io->NowNs() + 20'000'000);
      io->Turn(seen, true);
    }
    return true;
  }

  // What the client gets, `size` bytes or up to the end.
  static std::string Read(int fd, size_t size) {
    std::string text(size, '\0');
    size_t have = 0;
    while (have < size) {
      const ssize_t got = recv(fd, text.data() + have, size - have, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      have += static_cast<size_t>(got);
    }
    text.resize(have);
    return text;
  }

  static void Write(int fd, std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      ASSERT_GT(put, 0);
      text.remove_prefix(static_cast<size_t>(put));
    }
  }

  static uint64_t NowNs() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  static std::string Pattern(size_t size, uint32_t seed) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    return text;
  }

  std::unique_ptr<UringIo> io;
  Recorder seen;
  in_port_t port = 0;
  std::vector<int> clients;
};

}  // namespace solec

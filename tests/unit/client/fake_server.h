// A server for tests of the client: a thread at the other end of a socketpair that follows a
// script. Every wait is bounded, so that a client that does the wrong thing fails a test and does
// not hang it.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/payloads.h"

namespace solec {

// The script's side of the connection.
class FakePeer {
 public:
  explicit FakePeer(int fd) : fd_(fd) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }

  // The next payload, which has to be a P. Its views live until the next Expect.
  template <class P>
  P Expect() {
    P payload{};
    Frame frame;
    if (!NextFrame(&frame)) {
      ADD_FAILURE() << "no " << P::kName << " came";
      return payload;
    }
    EXPECT_EQ(frame.type, P::kType) << "wanted " << P::kName;
    if (frame.type == P::kType) {
      EXPECT_EQ(Decode(frame.payload, &payload), DecodeError::kNone) << P::kName;
    }
    return payload;
  }

  template <class P>
  void Send(const P& payload) {
    std::string bytes;
    AppendFrame(payload, &bytes);
    SendBytes(bytes);
  }

  // The client may have hung up: that is for the test to notice.
  void SendBytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }

  // Handshake and login as a server that agrees to `features` answers them.
  void LogIn(uint32_t features) {
    const auto handshake = Expect<Handshake>();
    if (handshake.features) Send(Handshake{.features = *handshake.features & features});
    Expect<UserAuth>();
    Send(Success{});
  }

  // True once the client has finished writing and nothing more than that is left.
  bool AtEnd() {
    Frame frame;
    return !NextFrame(&frame) && ended_;
  }

  // Waits for the client to take leave and hangs up.
  void HangUpWhenDone() { EXPECT_TRUE(AtEnd()) << "the client sent something more"; }

 private:
  bool NextFrame(Frame* frame) {
    input_.erase(0, taken_);
    taken_ = 0;
    for (;;) {
      Bytes stream = AsBytes(input_);
      if (TakeFrame(&stream, frame)) {
        taken_ = frame->bytes.size();
        // By which a client says that it sends Accepted; it may come at any time after the login.
        Accepted nothing{.up_to = 1};
        const bool passed_over =
            frame->type == PayloadType::kAccepted &&
            Decode(frame->payload, &nothing) == DecodeError::kNone && nothing.up_to == 0;
        if (!passed_over) return true;
        input_.erase(0, std::exchange(taken_, 0));
        continue;
      }
      char buffer[4096];
      const ssize_t count = recv(fd_, buffer, sizeof(buffer), 0);
      ended_ = count == 0;
      if (count <= 0) return false;
      input_.append(buffer, static_cast<size_t>(count));
    }
  }

  const int fd_;
  std::string input_;
  size_t taken_ = 0;
  bool ended_ = false;
};

// A TCP port of the loopback that belongs to the test. Until Listen nobody answers there.
class LoopbackPort {
 public:
  LoopbackPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
    if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) std::abort();
    port_ = ntohs(address.sin_port);
  }
  ~LoopbackPort() { close(fd_); }

  uint16_t port() const { return port_; }
  void Listen() { EXPECT_EQ(listen(fd_, 4), 0); }
  int Accept() { return accept(fd_, nullptr, nullptr); }

 private:
  int fd_;
  uint16_t port_;
};

class FakeServer {
 public:
  explicit FakeServer(std::function<void(FakePeer&)> script) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    client_fd_ = ends[0];
    thread_ = std::thread([fd = ends[1], script = std::move(script)] {
      {
        FakePeer peer(fd);
        script(peer);
      }
      close(fd);
    });
  }
  ~FakeServer() { thread_.join(); }

  // The client's end; the caller owns it.
  int client_fd() const { return client_fd_; }

 private:
  int client_fd_;
  std::thread thread_;
};

}  // namespace solec

#include "bench/link_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace solec {
namespace {

// A listening socket of the test, and its address.
class LinkProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = Bound(&target_);
    ASSERT_EQ(listen(listener_, 8), 0);
    const int probe = Bound(&listen_);
    close(probe);
    absl::StatusOr<ServerAddress> target = FindServer(target_, 1);
    ASSERT_TRUE(target.ok());
    auto started = LinkProxy::Start(listen_, *target);
    ASSERT_TRUE(started.ok()) << started.status();
    proxy_ = *std::move(started);
  }
  void TearDown() override { close(listener_); }

  static int Bound(std::string* address) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(any);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&any), size), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size), 0);
    *address = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
    return fd;
  }

  // A connection by the proxy; -1 if it is refused.
  int Dial() {
    const absl::StatusOr<ServerAddress> address = FindServer(listen_, 1);
    const absl::StatusOr<int> fd = MakeSocket(*address);
    timeval patience{10, 0};
    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(*fd, reinterpret_cast<const sockaddr*>(&address->address), address->size) == 0) {
      return *fd;
    }
    close(*fd);
    return -1;
  }

  static std::string Read(int fd, size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = recv(fd, bytes.data(), size, MSG_WAITALL);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }

  std::string target_, listen_;
  int listener_ = -1;
  std::unique_ptr<LinkProxy> proxy_;
};

TEST_F(LinkProxyTest, ForwardsMoreThanItHoldsBothWays) {
  const int near = Dial();
  ASSERT_GE(near, 0);
  const int far = accept(listener_, nullptr, nullptr);
  const std::string request(5 * LinkProxy::kBufferBytes, 'q');
  std::thread sender([&] {
    EXPECT_EQ(send(near, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
  });
  EXPECT_EQ(Read(far, request.size()), request);
  sender.join();
  EXPECT_EQ(send(far, "answer", 6, 0), 6);
  EXPECT_EQ(Read(near, 6), "answer");
  EXPECT_EQ(proxy_->links(), 1u);
  close(near);
  EXPECT_EQ(Read(far, 1), "");
  close(far);
}

TEST_F(LinkProxyTest, CutEndsBothSidesAndRefusesUntilItHeals) {
  const int near = Dial();
  ASSERT_GE(near, 0);
  const int far = accept(listener_, nullptr, nullptr);
  ASSERT_EQ(send(near, "x", 1, 0), 1);
  EXPECT_EQ(Read(far, 1), "x");
  proxy_->Cut();
  EXPECT_EQ(Read(near, 1), "");
  EXPECT_EQ(Read(far, 1), "");
  EXPECT_EQ(Dial(), -1);
  ASSERT_TRUE(proxy_->Heal().ok());
  const int again = Dial();
  ASSERT_GE(again, 0);
  const int far_again = accept(listener_, nullptr, nullptr);
  ASSERT_EQ(send(again, "y", 1, 0), 1);
  EXPECT_EQ(Read(far_again, 1), "y");
  for (const int fd : {near, far, again, far_again}) close(fd);
}

TEST_F(LinkProxyTest, EndsWithConnectionsOpen) {
  const int near = Dial();
  ASSERT_GE(near, 0);
  const int far = accept(listener_, nullptr, nullptr);
  proxy_.reset();
  EXPECT_EQ(Read(near, 1), "");
  close(near);
  close(far);
}

}  // namespace
}  // namespace solec

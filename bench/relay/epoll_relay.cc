// The relay on epoll: reads what is there and writes it to whom it goes at once. What a socket does
// not take waits in a buffer of its own until it does.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bench/relay/relay.h"

namespace solec {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr int kEventsMax = 1024;

class EpollRelay {
 public:
  EpollRelay(int listener, RelayMode mode)
      : listener_(listener), mode_(mode), read_buffer_(new uint8_t[kReadBytes]) {}

  absl::Status Run() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    fcntl(listener_, F_SETFL, fcntl(listener_, F_GETFL) | O_NONBLOCK);
    Watch(EPOLL_CTL_ADD, listener_, EPOLLIN, kListener);
    std::vector<epoll_event> events(kEventsMax);
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), kEventsMax, -1);
      if (count < 0 && errno != EINTR) {
        return absl::InternalError(std::string("epoll: ") + std::strerror(errno));
      }
      for (int i = 0; i < count; ++i) OnEvent(events[static_cast<size_t>(i)]);
    }
  }

 private:
  static constexpr uint32_t kListener = UINT32_MAX;

  struct Peer {
    int fd = -1;
    std::string waiting;  // not taken yet
    size_t waiting_from = 0;
  };

  void Watch(int operation, int fd, uint32_t events, uint32_t number) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = number;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void OnEvent(const epoll_event& event) {
    const uint32_t number = event.data.u32;
    if (number == kListener) return Accept();
    if ((event.events & EPOLLOUT) != 0) WriteWaiting(number);
    if ((event.events & ~uint32_t{EPOLLOUT}) != 0 && peers_[number].fd >= 0) Read(number);
  }

  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int yes = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
      const auto number = static_cast<uint32_t>(peers_.size());
      peers_.emplace_back().fd = fd;
      if (mode_ == RelayMode::kFanout) {
        Watch(EPOLL_CTL_ADD, fd, EPOLLIN, number);
      } else if (number % 2 == 1) {
        if (peers_[number - 1].fd >= 0) {
          Watch(EPOLL_CTL_ADD, peers_[number - 1].fd, EPOLLIN, number - 1);
        }
        Watch(EPOLL_CTL_ADD, fd, EPOLLIN, number);
      }
      Write(number, Bytes(&kRelayGreeting, 1));
    }
  }

  void Read(uint32_t number) {
    const ssize_t size = recv(peers_[number].fd, read_buffer_.get(), kReadBytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return Close(number);
    const Bytes bytes(read_buffer_.get(), static_cast<size_t>(size));
    if (mode_ == RelayMode::kPairs) return Write(number ^ 1, bytes);
    if (number != 0) return;
    for (uint32_t to = 1; to < peers_.size(); ++to) Write(to, bytes);
  }

  void Write(uint32_t number, Bytes bytes) {
    Peer& peer = peers_[number];
    if (peer.fd < 0) return;
    if (!peer.waiting.empty()) {
      peer.waiting += AsString(bytes);
      return;
    }
    const ssize_t size = send(peer.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return;  // its end will be read
    const size_t sent = size < 0 ? 0 : static_cast<size_t>(size);
    if (sent == bytes.size()) return;
    peer.waiting = AsString(bytes.subspan(sent));
    peer.waiting_from = 0;
    Watch(EPOLL_CTL_MOD, peer.fd, EPOLLIN | EPOLLOUT, number);
  }

  void WriteWaiting(uint32_t number) {
    Peer& peer = peers_[number];
    const std::string_view rest = std::string_view(peer.waiting).substr(peer.waiting_from);
    const ssize_t size = send(peer.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    peer.waiting_from += static_cast<size_t>(size);
    if (peer.waiting_from < peer.waiting.size()) return;
    peer.waiting.clear();
    Watch(EPOLL_CTL_MOD, peer.fd, EPOLLIN, number);
  }

  void Close(uint32_t number) {
    close(peers_[number].fd);
    peers_[number] = {};
  }

  const int listener_;
  const RelayMode mode_;
  int epoll_ = -1;
  std::unique_ptr<uint8_t[]> read_buffer_;
  std::vector<Peer> peers_;  // by order of accepting
};

}  // namespace

absl::Status RunEpollRelay(int listener, RelayMode mode) {
  return EpollRelay(listener, mode).Run();
}

}  // namespace solec

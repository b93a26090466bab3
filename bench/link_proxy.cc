#include "bench/link_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace solec {
namespace {

constexpr uint16_t kNoUsualPort = 0;

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

absl::StatusOr<std::unique_ptr<LinkProxy>> LinkProxy::Start(const std::string& listen,
                                                            const ServerAddress& target) {
  absl::StatusOr<ServerAddress> address = FindServer(listen, kNoUsualPort);
  if (!address.ok()) return address.status();
  std::unique_ptr<LinkProxy> proxy(
      new LinkProxy(*std::move(address), target, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (absl::Status status = proxy->Listen(); !status.ok()) return status;
  proxy->thread_ = std::thread([it = proxy.get()] { it->Run(); });
  return proxy;
}

LinkProxy::LinkProxy(ServerAddress listen, const ServerAddress& target, int wake)
    : listen_(std::move(listen)), target_(target), wake_(wake) {}

LinkProxy::~LinkProxy() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_, 1);
  if (thread_.joinable()) thread_.join();
  CloseLinks();
  if (listener_ >= 0) close(listener_);
  close(wake_);
}

void LinkProxy::Cut() {
  std::unique_lock lock(mutex_);
  cut_ = true;
  eventfd_write(wake_, 1);
  changed_.wait(lock, [this] { return is_cut_; });
}

absl::Status LinkProxy::Heal() {
  std::lock_guard lock(mutex_);
  if (absl::Status status = Listen(); !status.ok()) return status;
  cut_ = false;
  is_cut_ = false;
  eventfd_write(wake_, 1);
  return absl::OkStatus();
}

uint64_t LinkProxy::links() const {
  std::lock_guard lock(mutex_);
  return accepted_;
}

absl::Status LinkProxy::Listen() {
  const int fd = socket(listen_.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&listen_.address), listen_.size) != 0 ||
      listen(fd, SOMAXCONN) != 0) {
    const std::string why = std::strerror(errno);
    close(fd);
    return absl::UnavailableError("cannot listen at " + listen_.text + ": " + why);
  }
  SetNonBlocking(fd);
  listener_ = fd;
  return absl::OkStatus();
}

void LinkProxy::Run() {
  std::vector<pollfd> polled;
  for (;;) {
    int listener = -1;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (cut_ && !is_cut_) {
        CloseLinks();
        close(std::exchange(listener_, -1));
        is_cut_ = true;
        changed_.notify_all();
      }
      listener = listener_;
    }
    // poll ignores a negative descriptor.
    polled.assign({{wake_, POLLIN, 0}, {listener, POLLIN, 0}});
    for (const Link& link : links_) {
      for (const Direction* it : {&link.there, &link.back}) {
        polled.push_back({it->empty() ? it->from : -1, POLLIN, 0});
        polled.push_back({it->empty() ? -1 : it->to, POLLOUT, 0});
      }
    }
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    eventfd_t told;
    eventfd_read(wake_, &told);
    size_t at = 2;
    for (auto link = links_.begin(); link != links_.end(); at += 4) {
      const bool lives = Move(&link->there, polled[at].revents, polled[at + 1].revents) &&
                         Move(&link->back, polled[at + 2].revents, polled[at + 3].revents);
      if (lives) {
        ++link;
        continue;
      }
      close(link->there.from);
      close(link->there.to);
      link = links_.erase(link);
    }
    if (polled[1].revents != 0) Accept();
  }
}

void LinkProxy::Accept() {
  int from = -1;
  {
    // The descriptor that was polled may have been closed and replaced since.
    std::lock_guard lock(mutex_);
    if (listener_ < 0 || cut_) return;
    from = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (from < 0) return;
    ++accepted_;
  }
  const absl::StatusOr<int> to = MakeSocket(target_);
  if (to.ok() && links_.size() < kLinksMax &&
      connect(*to, reinterpret_cast<const sockaddr*>(&target_.address), target_.size) == 0) {
    SetNonBlocking(*to);
    links_.push_back({{from, *to, std::vector<char>(kBufferBytes)},
                      {*to, from, std::vector<char>(kBufferBytes)}});
    return;
  }
  close(from);
  if (to.ok()) close(*to);
}

bool LinkProxy::Move(Direction* direction, short readable, short writable) {
  if (readable != 0 && direction->empty()) {
    const ssize_t size = recv(direction->from, direction->bytes.data(), direction->bytes.size(), 0);
    if (size == 0 || (size < 0 && !WouldBlock())) return false;
    direction->begin = 0;
    direction->end = size > 0 ? static_cast<size_t>(size) : 0;
  }
  if (direction->empty() || (readable == 0 && writable == 0)) return true;
  const ssize_t size = send(direction->to, direction->bytes.data() + direction->begin,
                            direction->end - direction->begin, MSG_NOSIGNAL);
  if (size < 0) return WouldBlock();
  direction->begin += static_cast<size_t>(size);
  return true;
}

void LinkProxy::CloseLinks() {
  for (const Link& link : links_) {
    close(link.there.from);
    close(link.there.to);
  }
  links_.clear();
}

}  // namespace solec

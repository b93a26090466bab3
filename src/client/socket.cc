#include "client/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace solec {
namespace {

absl::Status CannotConnect(const Endpoint& endpoint, std::string_view why) {
  return absl::UnavailableError("cannot connect to " + endpoint.ToString() + ": " +
                                std::string(why) +
                                "; check the address and that the server is running");
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Socket::Transfer Moved(ssize_t count) {
  return {.outcome = Socket::Outcome::kMoved, .size = static_cast<size_t>(count), .error = {}};
}

// For what errno says.
Socket::Transfer NotMoved() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    return {.outcome = Socket::Outcome::kWouldBlock, .size = 0, .error = {}};
  }
  return {.outcome = Socket::Outcome::kBroken, .size = 0, .error = std::strerror(errno)};
}

// 0, or the errno of the failure.
int ConnectTo(const addrinfo& address, Deadline deadline, Socket* socket) {
  if (connect(socket->fd(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  pollfd waits{.fd = socket->fd(), .events = POLLOUT, .revents = 0};
  int ready;
  do {
    ready = poll(&waits, 1, deadline.PollMs());
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(socket->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace

absl::StatusOr<Socket> Socket::Connect(const Endpoint& endpoint, Deadline deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  int failed = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) {
    // A machine whose only interface is the loopback has no configured family at all.
    hints.ai_flags = 0;
    failed = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  }
  if (failed != 0) return CannotConnect(endpoint, gai_strerror(failed));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);

  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) {
      error = errno;
      continue;
    }
    Socket socket(fd);
    error = ConnectTo(*address, deadline, &socket);
    if (error == 0) {
      // Messages are small and people wait for them.
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return socket;
    }
    if (deadline.Passed()) break;
  }
  return CannotConnect(endpoint, std::strerror(error));
}

Socket::Socket(int fd) : fd_(fd) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    tls_ = std::move(other.tls_);
  }
  return *this;
}

absl::Status Socket::StartTls(const TlsClientOptions& options, const std::string& server,
                              Deadline deadline) {
  absl::StatusOr<std::unique_ptr<TlsStream>> tls =
      TlsStream::Connect(fd_, options, server, deadline);
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  return absl::OkStatus();
}

Socket::Transfer Socket::FromTls(TlsStream::Transfer transfer) {
  Outcome outcome = Outcome::kWouldBlock;
  if (transfer.outcome == TlsStream::Outcome::kMoved) outcome = Outcome::kMoved;
  if (transfer.outcome == TlsStream::Outcome::kEnd) outcome = Outcome::kEnd;
  if (transfer.outcome == TlsStream::Outcome::kBroken) outcome = Outcome::kBroken;
  return {.outcome = outcome, .size = transfer.size, .error = std::move(transfer.error)};
}

Socket::Transfer Socket::Read(uint8_t* to, size_t size) {
  if (tls_ != nullptr) return FromTls(tls_->Read(to, size));
  ssize_t count;
  do {
    count = recv(fd_, to, size, 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return Moved(count);
  return count == 0 ? Transfer{.outcome = Outcome::kEnd, .size = 0, .error = {}} : NotMoved();
}

Socket::Transfer Socket::Write(Bytes bytes) {
  if (tls_ != nullptr) return FromTls(tls_->Write(bytes));
  ssize_t count;
  do {
    count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count >= 0 ? Moved(count) : NotMoved();
}

void Socket::Wait(bool for_read, bool for_write, Deadline deadline) {
  if (for_read && HasBuffered()) return;
  const int events = (for_read ? POLLIN : 0) | (for_write ? POLLOUT : 0);
  pollfd waits{.fd = fd_, .events = static_cast<short>(events), .revents = 0};
  // An interrupted wait is a short wait: every caller looks again.
  poll(&waits, 1, deadline.PollMs());
}

void Socket::FinishWriting() {
  if (tls_ != nullptr) tls_->FinishWriting();
  if (fd_ >= 0) shutdown(fd_, SHUT_WR);
}

void Socket::Close() {
  tls_.reset();
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace solec

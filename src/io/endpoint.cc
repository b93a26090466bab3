#include "io/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace solec {

static absl::Status Failed(absl::StatusCode code, std::string_view endpoint,
                           std::string_view why) {
  return absl::Status(code, "listen " + std::string(endpoint) + ": " + std::string(why));
}

absl::StatusOr<int> OpenListener(std::string_view endpoint, bool reuse_port) {
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) {
    return Failed(absl::StatusCode::kInvalidArgument, endpoint, "no port; write host:port");
  }
  std::string host(endpoint.substr(0, colon));
  const std::string port(endpoint.substr(colon + 1));
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return Failed(absl::StatusCode::kInvalidArgument, endpoint, gai_strerror(error));
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  // Connections inherit all of these from their listener.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
  const bool bound = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 4096) == 0;
  const int bind_error = errno;
  freeaddrinfo(found);
  if (bound) return fd;
  if (fd >= 0) close(fd);
  std::string why = std::strerror(bind_error);
  if (bind_error == EADDRINUSE) why += "; another server listens there (ss -ltnp shows which)";
  if (bind_error == EACCES) {
    return Failed(absl::StatusCode::kPermissionDenied, endpoint,
                  why + "; ports below 1024 need CAP_NET_BIND_SERVICE");
  }
  return Failed(absl::StatusCode::kUnavailable, endpoint, why);
}

std::string LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "?";
  char text[INET6_ADDRSTRLEN] = "?";
  if (storage.ss_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(address->sin_port));
  }
  const auto* address = reinterpret_cast<const sockaddr_in6*>(&storage);
  inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(address->sin6_port));
}

}  // namespace solec

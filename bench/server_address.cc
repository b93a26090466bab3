#include "bench/server_address.h"

#include <netdb.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "client/endpoint.h"

namespace solec {

absl::StatusOr<ServerAddress> FindServer(const std::string& connect, uint16_t usual_port) {
  absl::StatusOr<Endpoint> endpoint = ParseEndpoint(connect, usual_port);
  if (!endpoint.ok()) return endpoint.status();
  ServerAddress server;
  server.text = endpoint->ToString();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(endpoint->host.c_str(), std::to_string(endpoint->port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError("cannot find " + endpoint->host + ": " + gai_strerror(error));
  }
  std::memcpy(&server.address, found->ai_addr, found->ai_addrlen);
  server.size = found->ai_addrlen;
  freeaddrinfo(found);
  if (server.address.ss_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&server.address);
    server.loopback = ntohl(ipv4->sin_addr.s_addr) >> 24 == 127;
  }
  return server;
}

absl::StatusOr<int> MakeSocket(const ServerAddress& server) {
  const int fd = socket(server.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::UnavailableError(std::string("no socket: ") + std::strerror(errno));
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  return fd;
}

}  // namespace solec

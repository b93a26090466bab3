// Where a server listens, found once by its name. Value; any thread.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace solec {

struct ServerAddress {
  std::string text;  // HOST:PORT, for error texts
  sockaddr_storage address{};
  socklen_t size = 0;
  bool loopback = false;  // 127.0.0.0/8
};

// `connect`: HOST:PORT, or HOST with the usual port. kInvalidArgument if it is neither,
// kUnavailable if the host is not found.
absl::StatusOr<ServerAddress> FindServer(const std::string& connect, uint16_t usual_port);

// A stream socket for it that sends at once; an errno in the text if there is none.
absl::StatusOr<int> MakeSocket(const ServerAddress& server);

}  // namespace solec

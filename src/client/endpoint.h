// HOST:PORT as people write it. A value; parsing is pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace solec {

struct Endpoint {
  std::string host;  // a name or an address, IPv6 without its brackets
  uint16_t port = 0;

  std::string ToString() const;  // IPv6 in brackets
};

// "host", "host:7653", "127.0.0.1:7653", "[::1]:7653", "::1". Without a port: `default_port`.
// kInvalidArgument with a text that says what was expected.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text, uint16_t default_port);

}  // namespace solec

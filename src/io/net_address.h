// A place on the network as numbers: what Io::Connect dials. "192.0.2.1:7653",
// "[2001:db8::1]:7653". A value of 20 bytes, for any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace solec {

struct NetAddress {
  std::array<uint8_t, 16> ip{};  // of IPv4: the first four
  uint16_t port = 0;
  bool is_v6 = false;

  friend bool operator==(const NetAddress&, const NetAddress&) = default;
};

// Nothing for a host that is a name (a Resolver knows those), or what is no address at all.
std::optional<NetAddress> ParseNetAddress(std::string_view text);

std::string FormatNetAddress(const NetAddress& address);

// "example.org:7653" or "[::1]:7653" in its two parts, brackets taken off; nothing if there is no
// port from 1 to 65535.
struct HostAndPort {
  std::string_view host;
  uint16_t port;
};
std::optional<HostAndPort> SplitHostAndPort(std::string_view text);

}  // namespace solec

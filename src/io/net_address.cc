#include "io/net_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace solec {

std::optional<HostAndPort> SplitHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostAndPort parts{text.substr(0, colon), 0};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
  if (error != std::errc() || end != port.data() + port.size() || parts.port == 0) {
    return std::nullopt;
  }
  const bool bracketed = parts.host.starts_with('[') && parts.host.ends_with(']');
  if (bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
  // Without brackets nobody knows where an IPv6 address ends.
  if (parts.host.empty() || (!bracketed && parts.host.find(':') != std::string_view::npos)) {
    return std::nullopt;
  }
  return parts;
}

std::optional<NetAddress> ParseNetAddress(std::string_view text) {
  const std::optional<HostAndPort> parts = SplitHostAndPort(text);
  if (!parts) return std::nullopt;
  NetAddress address;
  address.port = parts->port;
  const std::string host(parts->host);
  if (inet_pton(AF_INET, host.c_str(), address.ip.data()) == 1) return address;
  address.is_v6 = true;
  if (inet_pton(AF_INET6, host.c_str(), address.ip.data()) == 1) return address;
  return std::nullopt;
}

std::string FormatNetAddress(const NetAddress& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.ip.data(), text, sizeof(text));
  const std::string port = ":" + std::to_string(address.port);
  return address.is_v6 ? "[" + std::string(text) + "]" + port : text + port;
}

}  // namespace solec

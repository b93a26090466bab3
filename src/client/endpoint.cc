#include "client/endpoint.h"

#include <algorithm>
#include <charconv>

namespace solec {
namespace {

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError("'" + std::string(text) +
                                    "' is no HOST:PORT: " + std::string(why) +
                                    "; write for example localhost:7653 or " + "[::1]:7653");
}

bool ParsePort(std::string_view text, uint16_t* port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *port);
  return error == std::errc() && end == text.data() + text.size() && *port != 0;
}

}  // namespace

std::string Endpoint::ToString() const {
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text, uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Bad(text, "the ']' is missing");
    host = text.substr(1, close - 1);
    std::string_view rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    if (!has_port && !rest.empty()) return Bad(text, "something other than ':' follows the ']'");
    if (has_port) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  Endpoint endpoint{.host = std::string(host), .port = default_port};
  if (host.empty()) return Bad(text, "the host is missing");
  if (has_port && !ParsePort(port, &endpoint.port)) {
    return Bad(text, "the port has to be a number from 1 to 65535");
  }
  return endpoint;
}

}  // namespace solec

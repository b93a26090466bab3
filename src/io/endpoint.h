// Listening sockets: "127.0.0.1:7653", "[::1]:0", ":7653" (all interfaces).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace solec {

// Binds and listens. With `reuse_port` several sockets share one address, and the kernel spreads
// connections over them. Port 0: any free one. Errors name the address and the remedy:
// InvalidArgument (no such address), PermissionDenied (port), Unavailable (in use).
absl::StatusOr<int> OpenListener(std::string_view endpoint, bool reuse_port);

// "127.0.0.1:40123": where a socket really listens.
std::string LocalAddress(int fd);

}  // namespace solec

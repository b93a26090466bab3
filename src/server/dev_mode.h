// --dev: a server to try things out on, with users and a channel in it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "shard/control.h"

namespace solec {

inline constexpr int kDevPort = 7653;
inline constexpr int kDevAdminPort = 7680;

// The configuration; creates ./var.
absl::StatusOr<Config> DevConfig();

// Adds alice and bob, contacts of each other, and #lobby with both in it, where they are missing;
// gives the two their passwords again. Returns what to tell the user: passwords, and the two lines
// to try. `program` is solecd's own path.
absl::StatusOr<std::string> SetUpDev(ControlTarget* control, const std::string& program);

}  // namespace solec

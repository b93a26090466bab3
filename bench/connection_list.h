// A server's list of its connections, as its HTTP port gives it at /connz. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace solec {

// Which shard each user's connection is on. Lines without a user, or that are not understood, are
// left out; kUnavailable if it is no such list at all.
absl::StatusOr<std::map<std::string, uint32_t>> ParseConnectionList(const std::string& json);

}  // namespace solec

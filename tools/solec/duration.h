// Times as people write them on a command line. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace solec {

// "500ms", "10s", "2m", "1h"; a bare number means seconds. In milliseconds, more than 0.
absl::StatusOr<int64_t> ParseDurationMs(std::string_view text);

}  // namespace solec

// The server's log: spdlog to stderr, as text or as one JSON object a line.
#pragma once

#include <string>

#include <spdlog/spdlog.h>

namespace solec {

// `level` is a word of the config ("trace" … "error"). May be called again at a reload.
void SetUpLog(const std::string& level, bool json);

}  // namespace solec

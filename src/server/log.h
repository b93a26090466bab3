// The server's log: spdlog to stderr, as text or as one JSON object a line.
#pragma once

#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

namespace solec {

// `level` is a word of the config ("trace" … "error"). May be called again at a reload.
void SetUpLog(const std::string& level, bool json);

// For threads that may not wait for whoever reads the log, as shards: another thread writes these
// lines. At most kLogLinesWaiting wait; one more, and the oldest is lost. StartQuickLog comes once,
// after SetUpLog, on a thread whose signal mask the other thread is to have; before it lines are
// dropped.
inline constexpr size_t kLogLinesWaiting = 1024;
void StartQuickLog();
void QuickLog(spdlog::level::level_enum level, std::string_view text);

}  // namespace solec

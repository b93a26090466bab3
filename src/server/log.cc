#include "server/log.h"

#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace solec {
namespace {

// %* in a pattern: the message as a JSON string, quotes included.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        nlohmann::json(std::string(message.payload.data(), message.payload.size()))
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::shared_ptr<spdlog::logger> quick_logger;  // null before StartQuickLog

}  // namespace

void SetUpLog(const std::string& level, bool json) {
  static const auto logger = spdlog::stderr_logger_mt("solecd");
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonMessage>('*');
  formatter->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
                              : "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(logger);
  if (quick_logger != nullptr) quick_logger->set_level(logger->level());
}

void StartQuickLog() {
  spdlog::init_thread_pool(kLogLinesWaiting, 1);
  const auto logger = spdlog::default_logger();
  quick_logger = std::make_shared<spdlog::async_logger>(
      logger->name(), logger->sinks().begin(), logger->sinks().end(), spdlog::thread_pool(),
      spdlog::async_overflow_policy::overrun_oldest);
  quick_logger->set_level(logger->level());
}

void QuickLog(spdlog::level::level_enum level, std::string_view text) {
  if (quick_logger != nullptr) quick_logger->log(level, "{}", text);
}

}  // namespace solec

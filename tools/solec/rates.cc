#include "tools/solec/rates.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace solec {
namespace {

// The lines of the table: a counter is shown as a rate and in all, a gauge (its name ends in _now)
// as it is.
struct Line {
  const char* name;
  const char* label;
};

constexpr Line kLines[] = {
    {"messages_received", "messages in"},
    {"messages_delivered", "deliveries"},
    {"messages_refused", "refused"},
    {"messages_waiting", "kept for later"},
    {"bytes_received", "bytes in"},
    {"bytes_sent", "bytes out"},
    {"requests", "requests"},
    {"logins", "logins"},
    {"login_failures", "failed logins"},
    {"connections_accepted", "new connections"},
    {"connections_refused", "refused connections"},
    {"reading_paused", "reading paused"},
    {"turns", "loop turns"},
    {"connections_now", "connections"},
    {"sessions_now", "sessions"},
    {"users_now", "users in memory"},
    {"channels_now", "channels in memory"},
    {"store_messages_kept", "kept on disk"},
    {"store_messages_refused", "not kept"},
    {"store_commits", "commits"},
    {"store_reads", "store reads"},
    {"store_bytes_now", "store memory"},
    {"store_queue_bytes_now", "store queue"},
    {"store_free_bytes_now", "disk free"},
    {"store_full_now", "disk full"},
    {"store_failed_now", "store failed"},
};

bool IsGauge(const std::string& name) {
  return name.ends_with("_now");
}

double RateOf(const Stats& before, const Stats& now, const std::string& name, double seconds) {
  const auto then = before.find(name);
  const auto current = now.find(name);
  if (then == before.end() || current == now.end() || seconds <= 0) return 0;
  // A server that was started anew counts from 0 again.
  return std::max(0.0, current->second - then->second) / seconds;
}

// 999, 12.3k, 4.56M: three figures are enough for a rate.
std::string Short(double value) {
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P"};
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  const int decimals = unit == 0 ? (value < 10 && value != std::floor(value) ? 1 : 0)
                                 : (value < 10 ? 2 : (value < 100 ? 1 : 0));
  std::snprintf(text, sizeof(text), "%.*f%s", decimals, value, kUnits[unit]);
  return text;
}

}  // namespace

Stats StatsOf(const nlohmann::json& answer) {
  Stats stats;
  const auto found = answer.find("stats");
  if (found == answer.end() || !found->is_object()) return stats;
  for (const auto& [name, value] : found->items()) {
    if (value.is_number()) stats[name] = value.get<double>();
  }
  return stats;
}

std::string RatesText(const Stats& before, const Stats& now, double seconds) {
  std::string text;
  char row[128];
  std::snprintf(row, sizeof(row), "%-22s %12s %12s\n", "", "per second", "in all");
  text += row;
  for (const Line& line : kLines) {
    const auto value = now.find(line.name);
    if (value == now.end()) continue;
    const bool has_rate = !IsGauge(line.name) && seconds > 0;
    const std::string rate = has_rate ? Short(RateOf(before, now, line.name, seconds)) : "";
    std::snprintf(row, sizeof(row), "%-22s %12s %12s\n", line.label, rate.c_str(),
                  Short(value->second).c_str());
    text += row;
  }
  return text;
}

std::string RatesJson(const Stats& before, const Stats& now, double seconds) {
  nlohmann::json json;
  for (const auto& [name, value] : now) {
    json[name] = static_cast<int64_t>(value);
    if (!IsGauge(name) && seconds > 0) {
      json[name + "_per_second"] = RateOf(before, now, name, seconds);
    }
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace solec

// What `solec top` shows: a server's counters as rates between two moments. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace solec {

// Counters and gauges by name, as the admin socket's "stats" gives them.
using Stats = std::map<std::string, double>;

// The numbers in an answer to {"command":"stats"}; what is no number is left out.
Stats StatsOf(const nlohmann::json& answer);

// A table for people. `seconds` lie between the two; 0: there is no `before`, so no rates.
std::string RatesText(const Stats& before, const Stats& now, double seconds);

// The same figures as one JSON object: gauges under their names, rates with "_per_second".
std::string RatesJson(const Stats& before, const Stats& now, double seconds);

}  // namespace solec

// What `solec link list` and `solec link test` print for people. Pure: from the server's answer to
// text. What is missing in an answer, or is of the wrong type, is shown as "-".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace solec {

// A table, a line a peer, and below a peer's line why its last link or try ended. `links`: the
// objects of the answer. Empty if there are none.
std::string LinkTableText(const nlohmann::json& links);

// A line for each of the steps, in order.
std::string LinkStepsText(const nlohmann::json& steps);

// "340 ms", "12 s", "5 min", "3 h", "2 d": the largest unit of which there are two or more.
std::string SpanText(uint64_t ms);

// "512 B", "1.5 KiB", "2.0 GiB".
std::string SizeText(uint64_t bytes);

}  // namespace solec

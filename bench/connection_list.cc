#include "bench/connection_list.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace solec {

absl::StatusOr<std::map<std::string, uint32_t>> ParseConnectionList(const std::string& json) {
  std::map<std::string, uint32_t> shards;
  const auto list = nlohmann::json::parse(json, nullptr, false);
  if (!list.is_object() || !list.contains("items") || !list["items"].is_array()) {
    return absl::UnavailableError("that is no list of connections");
  }
  for (const auto& item : list["items"]) {
    // "127.0.0.1:40123 shard 1 user alice output 0"
    if (!item.is_object() || !item.contains("text") || !item["text"].is_string()) continue;
    std::istringstream words(item["text"].get<std::string>());
    std::string peer, shard_word, user_word, user;
    uint32_t shard = 0;
    if (words >> peer >> shard_word >> shard >> user_word >> user && shard_word == "shard" &&
        user_word == "user" && user != "-") {
      shards[user] = shard;
    }
  }
  return shards;
}

}  // namespace solec

#include "bench/connection_list.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(ConnectionList, FindsEachUsersShard) {
  const auto shards = ParseConnectionList(
      R"({"ok":true,"items":[{"text":"127.0.0.1:5 shard 0 user alice output 0","flags":0},)"
      R"({"text":"[::1]:6 shard 1 user bob output 12","flags":0},)"
      R"({"text":"127.0.0.1:7 shard 1 user - output 0","flags":0}]})");
  ASSERT_TRUE(shards.ok());
  EXPECT_EQ(*shards, (std::map<std::string, uint32_t>{{"alice", 0}, {"bob", 1}}));
}

TEST(ConnectionList, RefusesWhatIsNone) {
  for (const char* text :
       {"", "[]", "{}", R"({"ok":false,"error":"no"})", R"({"items":5})", "<html>"}) {
    EXPECT_FALSE(ParseConnectionList(text).ok()) << text;
  }
}

TEST(ConnectionList, SkipsLinesThatItDoesNotKnow) {
  const auto shards = ParseConnectionList(R"({"items":[{"text":"nonsense"},5,{"text":7},{}]})");
  ASSERT_TRUE(shards.ok());
  EXPECT_TRUE(shards->empty());
}

}  // namespace
}  // namespace solec

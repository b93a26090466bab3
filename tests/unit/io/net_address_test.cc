#include "io/net_address.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(NetAddress, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:7653", "0.0.0.0:1", "[::1]:65535", "[2001:db8::7]:7654"}) {
    const std::optional<NetAddress> address = ParseNetAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(FormatNetAddress(*address), text);
    EXPECT_EQ(address->is_v6, text[0] == '[');
  }
}

TEST(NetAddress, ReadsNothingElse) {
  for (const char* text :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:1x",
        "127.0.0.1:-1", "127.0.1:1", "::1:1", "[::1]", "[::1:1", "[]:1", "b.example:1", ":1"}) {
    EXPECT_FALSE(ParseNetAddress(text)) << text;
  }
}

TEST(NetAddress, PartsANameFromItsPort) {
  const std::optional<HostAndPort> parts = SplitHostAndPort("b.example:7654");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->host, "b.example");
  EXPECT_EQ(parts->port, 7654);
  EXPECT_EQ(SplitHostAndPort("[::1]:1")->host, "::1");
  for (const char* text : {"b.example", "b.example:", ":1", "a:b:1", "b.example:70000"}) {
    EXPECT_FALSE(SplitHostAndPort(text)) << text;
  }
}

}  // namespace
}  // namespace solec

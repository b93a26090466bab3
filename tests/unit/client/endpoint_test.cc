#include "client/endpoint.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

std::string Parsed(std::string_view text) {
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text, 7653);
  return endpoint.ok() ? endpoint->ToString() : "refused";
}

TEST(Endpoint, TakesHostAndPort) {
  EXPECT_EQ(Parsed("a.example"), "a.example:7653");
  EXPECT_EQ(Parsed("a.example:1"), "a.example:1");
  EXPECT_EQ(Parsed("127.0.0.1:65535"), "127.0.0.1:65535");
}

TEST(Endpoint, TakesIpv6WithAndWithoutBrackets) {
  EXPECT_EQ(Parsed("[::1]:80"), "[::1]:80");
  EXPECT_EQ(Parsed("[::1]"), "[::1]:7653");
  EXPECT_EQ(Parsed("::1"), "[::1]:7653");
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text : {"", ":80", "host:", "host:0", "host:65536", "host:-1", "host:80x",
                           "[::1", "[::1]80", "[]:80"}) {
    EXPECT_EQ(Parsed(text), "refused") << text;
  }
}

TEST(Endpoint, SaysWhatWasExpected) {
  const auto endpoint = ParseEndpoint("host:http", 7653);
  EXPECT_EQ(endpoint.status().message(),
            "'host:http' is no HOST:PORT: the port has to be a number from 1 to 65535; write for "
            "example localhost:7653 or [::1]:7653");
}

}  // namespace
}  // namespace solec

#include "server/preflight.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace solec {
namespace {

bool Mentions(const std::vector<std::string>& warnings, const std::string& text) {
  return std::any_of(warnings.begin(), warnings.end(), [&](const std::string& warning) {
    return warning.find(text) != std::string::npos;
  });
}

TEST(OpenFilesWanted, AreTheConnectionsAndSomeOfItsOwn) {
  Limits limits;
  limits.connections_max = 1'000;
  EXPECT_GT(OpenFilesWanted(limits), 1'000u);
  EXPECT_LT(OpenFilesWanted(limits), 2'000u);
}

TEST(OpenFilesWanted, UnlimitedConnectionsDoNotWrapAround) {
  Limits limits;
  limits.connections_max = kUnlimited;
  EXPECT_EQ(OpenFilesWanted(limits), kUnlimited);
  limits.connections_max = kUnlimited - 1;
  EXPECT_EQ(OpenFilesWanted(limits), kUnlimited);
}

TEST(Preflight, UnlimitedConnectionsAreWarnedOf) {
  Config config;
  config.limits.connections_max = kUnlimited;
  std::vector<std::string> warnings;
  ASSERT_TRUE(Preflight(config, &warnings).ok());
  EXPECT_TRUE(Mentions(warnings, "files may be open"));
}

TEST(Preflight, HasNothingToSayAboutPeers) {
  Config config;
  config.limits.connections_max = 10;
  config.data_dir = "/nonexistent";
  std::vector<std::string> warnings;
  ASSERT_TRUE(Preflight(config, &warnings).ok());
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  config.peers.emplace_back();
  ASSERT_TRUE(Preflight(config, &warnings).ok());
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

TEST(Preflight, SaysThatNothingIsKeptWithoutADataFolder) {
  Config config;
  config.limits.connections_max = 10;
  std::vector<std::string> warnings;
  ASSERT_TRUE(Preflight(config, &warnings).ok());
  EXPECT_TRUE(Mentions(warnings, "in memory"));
}

TEST(CheckEndpoints, RefusesWhatNoServerCanListenOn) {
  Config config;
  config.listen = {"127.0.0.1:0"};
  EXPECT_TRUE(CheckEndpoints(config).ok());
  config.admin_listen = "127.0.0.1";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckEndpoints(config)));
  config.admin_listen = "127.0.0.1:0";
  EXPECT_TRUE(CheckEndpoints(config).ok());
  config.data_dir = "/nonexistent/data";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckEndpoints(config)));
  config.data_dir.clear();
  config.admin_socket = std::string(200, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(CheckEndpoints(config)));
}

}  // namespace
}  // namespace solec

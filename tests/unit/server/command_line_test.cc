#include "server/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace solec {
namespace {

struct Parsed {
  std::optional<int> exit_code;
  CommandLine line;
};

Parsed Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "solecd");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  Parsed parsed;
  parsed.exit_code =
      ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), &parsed.line);
  return parsed;
}

TEST(CommandLine, TakesAConfigFile) {
  const Parsed parsed = Parse({"--config", "a.toml"});
  EXPECT_FALSE(parsed.exit_code.has_value());
  EXPECT_EQ(parsed.line.config_path, "a.toml");
  EXPECT_FALSE(parsed.line.check);
  EXPECT_FALSE(parsed.line.dev);
}

TEST(CommandLine, TakesCheckDevAndPrintDefaultConfig) {
  EXPECT_TRUE(Parse({"--config=a.toml", "--check"}).line.check);
  EXPECT_TRUE(Parse({"--dev"}).line.dev);
  EXPECT_TRUE(Parse({"--print-default-config"}).line.print_default_config);
}

TEST(CommandLine, HelpAndVersionEndWell) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("solecd " SOLEC_VERSION),
            std::string::npos);
}

TEST(CommandLine, WhatIsWrongIsAUsageError) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"--config"},
                                                       {"--bogus"},
                                                       {"stray"},
                                                       {"--check"},
                                                       {"--dev", "--config", "a.toml"},
                                                       {"--dev", "--print-default-config"}};
  for (const std::vector<std::string>& words : wrong) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(Parse(words).exit_code, kExitUsage) << testing::PrintToString(words);
    EXPECT_EQ(testing::internal::GetCapturedStderr().rfind("solecd: ", 0), 0u);
  }
}

TEST(CommandLine, FailuresHaveTheirExitCodes) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(ReportFailure(absl::InvalidArgumentError("x")), kExitConfig);
  EXPECT_EQ(ReportFailure(absl::NotFoundError("x")), kExitConfig);
  EXPECT_EQ(ReportFailure(absl::UnavailableError("x")), kExitUnavailable);
  EXPECT_EQ(ReportFailure(absl::PermissionDeniedError("x")), kExitNotPermitted);
  EXPECT_EQ(ReportFailure(absl::InternalError("what failed")), kExitFailure);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("solecd: what failed\n"),
            std::string::npos);
}

}  // namespace
}  // namespace solec

#include "server/command_line.h"

#include <cstdio>

#include <CLI/CLI.hpp>

namespace solec {

std::optional<int> ParseCommandLine(int argc, char** argv, CommandLine* line) {
  CLI::App app("The SOLEC server.", "solecd");
  app.set_version_flag("--version", "solecd " SOLEC_VERSION);
  CLI::Option* const config =
      app.add_option("--config", line->config_path, "Read the configuration from FILE")
          ->type_name("FILE");
  app.add_flag("--check", line->check,
               "Read the configuration, test what can be tested, print the values and end")
      ->needs(config);
  CLI::Option* const print =
      app.add_flag("--print-default-config", line->print_default_config,
                   "Print a configuration with all keys and their defaults");
  app.add_flag("--dev", line->dev,
               "Try it out: server localhost on loopback, users alice and bob, channel #lobby")
      ->excludes(config)
      ->excludes(print);
  app.footer(
      "Signals: TERM ends the sessions and stops (a second one at once), HUP reads the\n"
      "         configuration again\n"
      "Status:  0 done, 1 failure, 64 usage, 69 address in use, 77 not permitted, 78 config");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "solecd: %s\nTry: solecd --help\n", error.what());
    return kExitUsage;
  }
  if (line->config_path.empty() && !line->dev && !line->print_default_config) {
    std::fprintf(stderr, "solecd: give --config FILE, or --dev to try it out\n"
                         "Try: solecd --help\n");
    return kExitUsage;
  }
  return std::nullopt;
}

int ReportFailure(const absl::Status& status) {
  const std::string text(status.message());
  std::fprintf(stderr, "solecd: %s\n", text.c_str());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return kExitConfig;
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kPermissionDenied:
      return kExitNotPermitted;
    default:
      return kExitFailure;
  }
}

}  // namespace solec

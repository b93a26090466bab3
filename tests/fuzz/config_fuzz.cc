// Any text as a config: either an error that begins with its place, or a config that, written out
// and read again, is the same.

#include <cstdio>
#include <string>

#include "config/config.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace solec;
  const absl::StatusOr<Config> config = ParseConfig(AsString({data, size}), "f");
  if (!config.ok()) {
    int line = 0, column = 0;
    const std::string error(config.status().message());
    SOLEC_ASSERT(std::sscanf(error.c_str(), "f:%d:%d: ", &line, &column) == 2);
    SOLEC_ASSERT(line >= 1 && column >= 1);
    return 0;
  }
  const std::string text = FormatConfig(*config);
  const absl::StatusOr<Config> again = ParseConfig(text, "f");
  SOLEC_ASSERT(again.ok());
  SOLEC_ASSERT(FormatConfig(*again) == text);
  return 0;
}

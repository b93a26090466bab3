// Seeds of random tests: fixed, so that every run is the same run, unless SOLEC_SEED says
// otherwise.
//
//   const uint64_t seed = Seed(1);
//   SCOPED_TRACE(RepeatWith(seed));
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace solec {

inline uint64_t Seed(uint64_t usual) {
  const char* const wanted = std::getenv("SOLEC_SEED");
  return wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10);
}

// The command that runs the current test again as it ran now.
inline std::string RepeatWith(uint64_t seed) {
  const testing::TestInfo* const test = testing::UnitTest::GetInstance()->current_test_info();
  return "repeat with: SOLEC_SEED=" + std::to_string(seed) +
         " unit_tests --gtest_filter=" + test->test_suite_name() + "." + test->name();
}

}  // namespace solec

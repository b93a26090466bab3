#include "base/assert.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(Assert, LetsTrueExpressionsPassAndEvaluatesThemOnce) {
  int evaluations = 0;
  SOLEC_ASSERT(++evaluations == 1);
  EXPECT_EQ(evaluations, 1);
}

TEST(AssertDeathTest, NamesTheExpressionAndWhatTheThreadWasDoing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto fail = [] {
    assert_context = {.shard = 3, .turn = 41, .seed = 97};
    SOLEC_ASSERT(1 + 1 == 3);
  };
  EXPECT_DEATH(fail(), "1 \\+ 1 == 3 at .*shard 3, turn 41, seed 97");
}

}  // namespace
}  // namespace solec

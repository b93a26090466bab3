// The names that operators see.

#include "link/peer_status.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace solec {
namespace {

TEST(PeerStatus, EveryStateStepAndResultHasANameOfItsOwn) {
  std::set<std::string_view> states, steps, results;
  for (int i = 0; i <= static_cast<int>(PeerState::kUp); ++i) {
    states.insert(PeerStateName(static_cast<PeerState>(i)));
  }
  for (int i = 0; i <= static_cast<int>(LinkStep::kLink); ++i) {
    steps.insert(LinkStepName(static_cast<LinkStep>(i)));
  }
  for (int i = 0; i <= static_cast<int>(LinkTestResult::kSkipped); ++i) {
    results.insert(LinkTestResultName(static_cast<LinkTestResult>(i)));
  }
  EXPECT_EQ(states.size(), 6u);
  EXPECT_EQ(steps.size(), kLinkTestSteps + 1);
  EXPECT_EQ(results.size(), 3u);
  for (const auto& names : {states, steps, results}) EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace solec

// Of two connections between two servers one stays, and both sides choose the same one.

#include "link/link_rule.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(LinkRule, TheSameSideReplacesItsOwn) {
  for (const bool dialled : {false, true}) {
    for (const uint64_t age : {uint64_t{0}, uint64_t{1'000'000}}) {
      EXPECT_TRUE(NewLinkReplaces("a", "b", {dialled, false, age}, dialled));
      EXPECT_TRUE(NewLinkReplaces("b", "a", {dialled, false, age}, dialled));
    }
  }
}

// Each side has its own dial as the existing one, in whatever state, and sees the other's come.
TEST(LinkRule, OfTwoDialsAtOnceBothSidesKeepTheLowerNames) {
  for (const bool handshake : {false, true}) {
    EXPECT_FALSE(NewLinkReplaces("a", "b", {true, handshake, 0}, false));  // a keeps its own
    EXPECT_TRUE(NewLinkReplaces("b", "a", {true, handshake, 0}, false));   // b takes a's
  }
  EXPECT_TRUE(NewLinkReplaces("a", "b", {false, false, kTwinLinkMs - 1}, true));
  EXPECT_FALSE(NewLinkReplaces("b", "a", {false, false, kTwinLinkMs - 1}, true));
}

TEST(LinkRule, ALaterDialOfTheOtherSideReplacesALinkThatLasted) {
  for (const bool dialled : {false, true}) {
    EXPECT_TRUE(NewLinkReplaces("a", "b", {!dialled, false, kTwinLinkMs}, dialled));
    EXPECT_TRUE(NewLinkReplaces("b", "a", {!dialled, false, kTwinLinkMs}, dialled));
  }
}

}  // namespace
}  // namespace solec

#include "net/connection.h"

#include <gtest/gtest.h>

#include "net/connection_driver.h"
#include "net/connection_limits.h"

namespace solec {
namespace {

TEST(ConnectionLimits, RefusesOverTheTotal) {
  ConnectionLimits limits;
  limits.Configure(2, kUnlimited);
  EXPECT_TRUE(limits.Enter(""));
  EXPECT_TRUE(limits.Enter(""));
  EXPECT_FALSE(limits.Enter(""));
  limits.Leave("");
  EXPECT_TRUE(limits.Enter(""));
}

TEST(ConnectionLimits, RefusesOverThePerAddressLimitAndCountsNothingThen) {
  ConnectionLimits limits;
  limits.Configure(3, 1);
  EXPECT_TRUE(limits.counts_addresses());
  EXPECT_TRUE(limits.Enter("10.0.0.1"));
  EXPECT_FALSE(limits.Enter("10.0.0.1"));
  EXPECT_TRUE(limits.Enter("10.0.0.2"));
  limits.Leave("10.0.0.1");
  EXPECT_TRUE(limits.Enter("10.0.0.1"));
  EXPECT_TRUE(limits.Enter("10.0.0.3"));
  EXPECT_FALSE(limits.Enter("10.0.0.4"));  // the total
}

TEST(CloseReason, EveryReasonHasANameOfItsOwn) {
  for (size_t a = 0; a < kCloseReasonCount; ++a) {
    EXPECT_NE(CloseReasonName(static_cast<CloseReason>(a)), "unknown");
    for (size_t b = 0; b < a; ++b) {
      EXPECT_NE(CloseReasonName(static_cast<CloseReason>(a)),
                CloseReasonName(static_cast<CloseReason>(b)));
    }
  }
}

}  // namespace
}  // namespace solec

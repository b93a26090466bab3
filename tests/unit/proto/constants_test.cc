#include "proto/constants.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace solec {
namespace {

// The protocol's own table of features, as types.
TEST(Features, AllowExactlyTheTypesThatTheProtocolNames) {
  std::map<int, uint32_t> allowed;
  for (int type : {0x40, 0x41}) allowed[type] |= 1u << 0;
  for (int type = 0x42; type <= 0x44; ++type) allowed[type] |= 1u << 1;
  for (int type = 0x45; type <= 0x4B; ++type) allowed[type] |= 1u << 2;
  for (int type : {0x45, 0x4C, 0x4D}) allowed[type] |= 1u << 3;
  allowed[0x4E] |= 1u << 4;
  for (int type = 0; type < 256; ++type) {
    EXPECT_EQ(FeaturesThatAllow(static_cast<PayloadType>(type)), allowed[type]) << type;
  }
}

TEST(ErrorText, EveryCodeHasATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (int code : {0x00, 0x01, 0x02, 0x03, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45}) {
    const std::string_view text = ErrorText(static_cast<ErrorCode>(code));
    EXPECT_FALSE(text.empty());
    EXPECT_NE(text, "unknown error") << code;
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
}

TEST(ErrorText, ACodeThatNobodyListedIsUnknown) {
  int unknown = 0;
  for (int code = 0; code < 256; ++code) {
    if (ErrorText(static_cast<ErrorCode>(code)) == "unknown error") ++unknown;
  }
  EXPECT_EQ(unknown, 256 - 10);
}

TEST(Constants, AreTheProtocols) {
  EXPECT_EQ(kVersionMajor, 0);
  EXPECT_EQ(kVersionMinor, 4);
  EXPECT_EQ(kPortPlain, 7653);
  EXPECT_EQ(kPortTls, 7654);
  EXPECT_EQ(kContentBytesMax, 60u * 1024);
  EXPECT_EQ(kHistoryLimitDefault, 100);
  EXPECT_EQ(kHistoryLimitMax, 1000);
  EXPECT_EQ(kReceiptDelayMaxMs, 20u);
  EXPECT_EQ(kServiceName, "server");
  EXPECT_EQ(kAddressBytesMax, 1u + 64 + 1 + 255);
}

}  // namespace
}  // namespace solec

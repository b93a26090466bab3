#include "config/units.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

TEST(Units, SizesHaveBinaryUnits) {
  uint64_t bytes = 1;
  EXPECT_TRUE(ParseSize("0B", &bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_TRUE(ParseSize("12B", &bytes));
  EXPECT_EQ(bytes, 12u);
  EXPECT_TRUE(ParseSize("64KiB", &bytes));
  EXPECT_EQ(bytes, 65'536u);
  EXPECT_TRUE(ParseSize("4MiB", &bytes));
  EXPECT_EQ(bytes, 4u << 20);
  EXPECT_TRUE(ParseSize("16777216GiB", &bytes));
  EXPECT_EQ(bytes, uint64_t{1} << 54);
}

TEST(Units, TimesHaveTheirOwn) {
  uint64_t ms = 0;
  EXPECT_TRUE(ParseDuration("250ms", &ms));
  EXPECT_EQ(ms, 250u);
  EXPECT_TRUE(ParseDuration("10s", &ms));
  EXPECT_EQ(ms, 10'000u);
  EXPECT_TRUE(ParseDuration("5min", &ms));
  EXPECT_EQ(ms, 300'000u);
  EXPECT_TRUE(ParseDuration("72h", &ms));
  EXPECT_EQ(ms, 259'200'000u);
  uint64_t us = 0;
  EXPECT_TRUE(ParseShortDuration("50us", &us));
  EXPECT_EQ(us, 50u);
  EXPECT_TRUE(ParseShortDuration("10ms", &us));
  EXPECT_EQ(us, 10'000u);
}

TEST(Units, RefuseWhatIsNotAWholeNumberWithAUnitOfItsKind) {
  uint64_t value = 0;
  for (const char* text : {"", "B", "KiB", "12", "1.5KiB", "-1B", "+1B", " 1B", "1B ", "1 B", "1kB",
                           "1KB", "1kib", "1s", "0x10B", "1e3B", "unlimited"}) {
    EXPECT_FALSE(ParseSize(text, &value)) << text;
  }
  for (const char* text : {"", "s", "10", "1d", "1m", "1B", "-1s", "1h30min", "1.5h", "1us"}) {
    EXPECT_FALSE(ParseDuration(text, &value)) << text;
  }
  for (const char* text : {"1", "1s", "us"}) EXPECT_FALSE(ParseShortDuration(text, &value)) << text;
}

TEST(Units, RefuseWhatDoesNotFit) {
  uint64_t value = 0;
  EXPECT_TRUE(ParseSize("18446744073709551615B", &value));
  EXPECT_FALSE(ParseSize("18446744073709551616B", &value));
  EXPECT_TRUE(ParseSize("17179869183GiB", &value));
  EXPECT_FALSE(ParseSize("17179869184GiB", &value));
  EXPECT_FALSE(ParseDuration("5124095576031h", &value));
}

TEST(Units, AreWrittenWithTheLargestUnitThatFits) {
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatSize(1'023), "1023B");
  EXPECT_EQ(FormatSize(61'440), "60KiB");
  EXPECT_EQ(FormatSize(4 << 20), "4MiB");
  EXPECT_EQ(FormatDuration(0), "0ms");
  EXPECT_EQ(FormatDuration(1'500), "1500ms");
  EXPECT_EQ(FormatDuration(10'000), "10s");
  EXPECT_EQ(FormatDuration(300'000), "5min");
  EXPECT_EQ(FormatDuration(259'200'000), "72h");
}

TEST(Units, WhatIsWrittenIsRead) {
  const uint64_t seed = Seed(81);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10'000; ++round) {
    const uint64_t value = random() >> (random() % 64) << (random() % 20);
    uint64_t again = 0;
    ASSERT_TRUE(ParseSize(FormatSize(value), &again));
    ASSERT_EQ(again, value);
    ASSERT_TRUE(ParseDuration(FormatDuration(value), &again));
    ASSERT_EQ(again, value);
  }
}

}  // namespace
}  // namespace solec

#include "server/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace solec {
namespace {

TEST(ParseCpuMax, NoQuotaIsZero) {
  EXPECT_EQ(ParseCpuMax("max 100000\n"), 0u);
  EXPECT_EQ(ParseCpuMax("max"), 0u);
}

TEST(ParseCpuMax, RoundsUpToWholeCpus) {
  EXPECT_EQ(ParseCpuMax("100000 100000\n"), 1u);
  EXPECT_EQ(ParseCpuMax("150000 100000"), 2u);
  EXPECT_EQ(ParseCpuMax("1000 100000"), 1u);
  EXPECT_EQ(ParseCpuMax("800000 100000"), 8u);
  EXPECT_EQ(ParseCpuMax("50000 20000"), 3u);
}

TEST(ParseCpuMax, NonsenseIsNoQuota) {
  for (const char* text : {"", " ", "100000", "100000 0", "x 100000", "100000 x", "-1"}) {
    EXPECT_EQ(ParseCpuMax(text), 0u) << text;
  }
}

TEST(UsableCpus, AreSomeOfThoseOfTheAffinity) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  const std::vector<int> cpus = UsableCpus();
  ASSERT_FALSE(cpus.empty());
  EXPECT_LE(cpus.size(), static_cast<size_t>(CPU_COUNT(&allowed)));
  for (const int cpu : cpus) EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(cpu), &allowed)) << cpu;
}

TEST(UsableCpus, FollowANarrowerAffinity) {
  cpu_set_t before, narrow;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  const int cpu = UsableCpus().back();
  CPU_ZERO(&narrow);
  CPU_SET(static_cast<size_t>(cpu), &narrow);
  ASSERT_EQ(sched_setaffinity(0, sizeof(narrow), &narrow), 0);
  const std::vector<int> cpus = UsableCpus();
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(cpus, std::vector<int>{cpu});
}

TEST(CpuText, NamesPinnedAndFloatingOnes) {
  EXPECT_EQ(CpuText({0, 3}), "cpus 0,3");
  EXPECT_EQ(CpuText({1, -1}), "cpus 1,any");
}

}  // namespace
}  // namespace solec

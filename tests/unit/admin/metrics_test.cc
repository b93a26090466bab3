#include "admin/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace solec {
namespace {

class MetricsTest : public testing::Test {
 protected:
  void SetUp() override {
    ShardGroupOptions options;
    options.server_name = "a.example";
    options.listen = {"127.0.0.1:0"};
    options.cpus = {-1, -1, -1};
    absl::StatusOr<std::unique_ptr<ShardGroup>> shards = ShardGroup::Start(options);
    ASSERT_TRUE(shards.ok()) << shards.status();
    shards_ = *std::move(shards);
    context_.shards = shards_.get();
    context_.server_name = "a.example";
  }

  std::unique_ptr<ShardGroup> shards_;
  AdminContext context_;
};

// https://prometheus.io/docs/instrumenting/exposition_formats/
TEST_F(MetricsTest, TextIsInPrometheusFormat) {
  const std::regex help(R"(# HELP (solec_[a-z_]+) \S.*)");
  const std::regex type(R"(# TYPE (solec_[a-z_]+) (counter|gauge))");
  const std::regex sample(
      R"re((solec_[a-z_]+)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.]+)re");
  std::set<std::string> families, samples;
  std::string family, kind;
  std::istringstream lines(PrometheusText(context_));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      family = match[1];
      EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
      kind.clear();
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], family);
      kind = match[2];
    } else {
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_EQ(match[1], family) << line;
      EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
      EXPECT_EQ(kind == "counter", family.ends_with("_total")) << line;
    }
  }
  EXPECT_TRUE(families.contains("solec_messages_received_total"));
  EXPECT_TRUE(families.contains("solec_build_info"));
}

TEST_F(MetricsTest, EveryCounterHasASampleAShardAndEveryReasonOne) {
  const std::string text = PrometheusText(context_);
  ForEachCounter(
      shards_->counters(0), [&](std::string_view name, std::string_view, uint64_t, bool is_gauge) {
        for (const char* shard : {"0", "1", "2"}) {
          const std::string sample = "\nsolec_" + std::string(name) + (is_gauge ? "" : "_total") +
                                     "{shard=\"" + shard + "\"} ";
          EXPECT_NE(text.find(sample), std::string::npos) << sample;
        }
      });
  for (size_t reason = 0; reason < kCloseReasonCount; ++reason) {
    const std::string sample =
        "{reason=\"" + std::string(CloseReasonName(static_cast<CloseReason>(reason))) + "\"} 0\n";
    EXPECT_NE(text.find(sample), std::string::npos) << sample;
  }
}

TEST_F(MetricsTest, SumsAreOverAllShards) {
  std::map<std::string, uint64_t> sums;
  ForEachMetric(*shards_,
                [&](const Metric& metric) { sums[std::string(metric.name)] = metric.value; });
  uint64_t turns = 0;
  for (size_t shard = 0; shard < shards_->shard_count(); ++shard) {
    turns += shards_->counters(shard).turns.Get();
  }
  ASSERT_TRUE(sums.contains("turns"));
  EXPECT_GT(sums["turns"], 0u);
  EXPECT_LE(sums["turns"], turns);
}

}  // namespace
}  // namespace solec

#include "admin/metrics.h"

#include <gtest/gtest.h>
#include <regex.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

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
    context_.control = shards_.get();
    context_.shards = shards_.get();
    context_.server_name = "a.example";
  }

  std::unique_ptr<ShardGroup> shards_;
  AdminContext context_;
};

// The whole line and its groups, or nothing if the extended regular expression does not match all
// of it. (std::regex draws false warnings from gcc 12 in sanitizer builds.)
std::vector<std::string> Match(const char* pattern, const std::string& line) {
  regex_t compiled;
  EXPECT_EQ(regcomp(&compiled, pattern, REG_EXTENDED), 0) << pattern;
  regmatch_t groups[8];
  std::vector<std::string> parts;
  if (regexec(&compiled, line.c_str(), 8, groups, 0) == 0) {
    for (const regmatch_t& group : groups) {
      if (group.rm_so < 0) break;
      parts.push_back(line.substr(static_cast<size_t>(group.rm_so),
                                  static_cast<size_t>(group.rm_eo - group.rm_so)));
    }
  }
  regfree(&compiled);
  return parts;
}

// https://prometheus.io/docs/instrumenting/exposition_formats/
// Returns the names of the metrics.
std::set<std::string> CheckFormat(const std::string& text) {
  const char* const help = "^# HELP (solec_[a-z_]+) [^ ].*$";
  const char* const type = "^# TYPE (solec_[a-z_]+) (counter|gauge)$";
  const char* const sample =
      "^(solec_[a-z_]+)([{][a-z_]+=\"[^\"\\]*\"(,[a-z_]+=\"[^\"\\]*\")*[}])? [0-9.]+$";
  std::set<std::string> families, samples;
  std::string family, kind;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (const auto described = Match(help, line); !described.empty()) {
      family = described[1];
      EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
      kind.clear();
    } else if (const auto typed = Match(type, line); !typed.empty()) {
      EXPECT_EQ(typed[1], family);
      kind = typed[2];
    } else {
      const auto counted = Match(sample, line);
      if (counted.empty()) {
        ADD_FAILURE() << line;
        continue;
      }
      EXPECT_EQ(counted[1], family) << line;
      EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
      EXPECT_EQ(kind == "counter", family.ends_with("_total")) << line;
    }
  }
  return families;
}

TEST_F(MetricsTest, TextIsInPrometheusFormat) {
  const std::set<std::string> families = CheckFormat(PrometheusText(context_));
  EXPECT_TRUE(families.contains("solec_messages_received_total"));
  EXPECT_TRUE(families.contains("solec_build_info"));
}

TEST(PeerMetrics, HaveASampleForEveryPeerAndNoneWithoutPeers) {
  EXPECT_EQ(PeerMetricsText({}), "");
  std::vector<PeerStatus> peers(2);
  peers[0].name = "b.example";
  peers[0].state = PeerState::kUp;
  peers[0].sent = 5;
  peers[0].refused_transit = 3;
  peers[1].name = "c.example";
  peers[1].state = PeerState::kWaiting;
  peers[1].spool_bytes = 70;
  peers[1].spool_oldest_ms = 1500;
  const std::string text = PeerMetricsText(peers);
  CheckFormat(text);
  for (const char* line : {"solec_link_up_now{peer=\"b.example\"} 1\n",
                           "solec_link_up_now{peer=\"c.example\"} 0\n",
                           "solec_link_sent_total{peer=\"b.example\"} 5\n",
                           "solec_link_sent_total{peer=\"c.example\"} 0\n",
                           "solec_link_refused_total{peer=\"b.example\",kind=\"transit\"} 3\n",
                           "solec_link_refused_total{peer=\"c.example\",kind=\"source\"} 0\n",
                           "solec_link_spool_bytes_now{peer=\"c.example\"} 70\n",
                           "solec_link_spool_oldest_seconds_now{peer=\"c.example\"} 1.500000\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST_F(MetricsTest, ShardsAreAskedForPeersOnlyWhereThereAreSome) {
  struct Counting : ControlTarget {
    ControlReply Ask(const ControlRequest& request) override {
      EXPECT_EQ(request.kind, ControlKind::kPeerList);
      ++asked;
      ControlReply reply;
      reply.peers.resize(1);
      reply.peers[0].name = "b.example";
      return reply;
    }
    absl::StatusOr<std::string> HashPassword(const std::string&) override { return ""; }
    int asked = 0;
  } target;
  context_.control = &target;
  EXPECT_EQ(PrometheusText(context_).find("solec_link_sent_total"), std::string::npos);
  context_.has_peers = [] { return false; };
  EXPECT_EQ(PrometheusText(context_).find("solec_link_sent_total"), std::string::npos);
  EXPECT_EQ(target.asked, 0);
  context_.has_peers = [] { return true; };
  EXPECT_TRUE(CheckFormat(PrometheusText(context_)).contains("solec_link_sent_total"));
  EXPECT_EQ(target.asked, 1);
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

// With a store on disk, which here is memory as well.
TEST(StoreMetrics, AreThereWithAStoreOnDiskOnlyAndInSecondsForPrometheus) {
  ShardGroupOptions options;
  options.server_name = "a.example";
  options.listen = {"127.0.0.1:0"};
  options.cpus = {-1, -1};
  EXPECT_TRUE(StoreMetrics(**ShardGroup::Start(options)).empty());
  options.disk.emplace();
  options.disk->path = "/store";
  options.disk->server_name = "a.example";
  options.disk->in_memory = true;
  absl::StatusOr<std::unique_ptr<ShardGroup>> shards = ShardGroup::Start(options);
  ASSERT_TRUE(shards.ok()) << shards.status();
  ControlRequest request;
  request.kind = ControlKind::kUserAdd;
  for (const char* name : {"alice", "bob", "carol"}) {
    request.name = name;
    request.argument = "hash";
    EXPECT_EQ((*shards)->Ask(request).status, ControlStatus::kDone);
  }
  AdminContext context;
  context.shards = shards->get();
  const std::string text = PrometheusText(context);
  EXPECT_NE(text.find("\nsolec_store_records_total 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nsolec_store_commit_seconds_total 0."), std::string::npos);
  EXPECT_NE(text.find("\n# TYPE solec_store_full_now gauge\nsolec_store_full_now 0\n"),
            std::string::npos);
  // One store for both shards, and each name once.
  request.kind = ControlKind::kUserList;
  request.name.clear();
  EXPECT_EQ((*shards)->Ask(request).items.size(), 3u);
}

}  // namespace
}  // namespace solec

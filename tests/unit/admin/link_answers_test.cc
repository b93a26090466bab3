#include "admin/link_answers.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

using Json = nlohmann::json;

Json OnlyLink(const PeerStatus& peer) {
  const Json answer = LinkListAnswer({peer});
  EXPECT_EQ(answer["ok"], true);
  EXPECT_EQ(answer["links"].size(), 1u);
  return answer["links"][0];
}

TEST(LinkListAnswer, SaysOfALinkThatIsUpHowItCameToBe) {
  PeerStatus peer;
  peer.name = "b.example";
  peer.address = "b.example:7654";
  peer.state = PeerState::kUp;
  peer.state_ms = 90'000;
  peer.shard = 1;
  peer.dialled = true;
  peer.tls = true;
  peer.features = 19;
  peer.remote = "192.0.2.7:7654";
  peer.sent = 12;
  peer.refused_source = 2;
  const Json link = OnlyLink(peer);
  EXPECT_EQ(link["name"], "b.example");
  EXPECT_EQ(link["address"], "b.example:7654");
  EXPECT_EQ(link["state"], "up");
  EXPECT_EQ(link["state_ms"], 90'000);
  EXPECT_EQ(link["dialled"], true);
  EXPECT_EQ(link["tls"], true);
  EXPECT_EQ(link["features"], 19);
  EXPECT_EQ(link["remote"], "192.0.2.7:7654");
  EXPECT_EQ(link["sent"], 12);
  EXPECT_EQ(link["refused_source"], 2);
  EXPECT_FALSE(link.contains("dial_in_ms"));
  EXPECT_FALSE(link.contains("last_error"));
}

TEST(LinkListAnswer, LeavesOutWhatIsNotKnownWithoutALink) {
  PeerStatus peer;
  peer.state = PeerState::kWaiting;
  peer.dial_in_ms = 700;
  peer.last_error = "Connection refused";
  peer.last_error_step = LinkStep::kTcp;
  peer.last_error_ms = 300;
  peer.spool_messages = 4;
  peer.spool_bytes = 400;
  peer.spool_oldest_ms = 5000;
  const Json link = OnlyLink(peer);
  for (const char* key : {"dialled", "tls", "remote", "features"}) {
    EXPECT_FALSE(link.contains(key)) << key;
  }
  EXPECT_EQ(link["state"], "waiting");
  EXPECT_EQ(link["dial_in_ms"], 700);
  EXPECT_EQ(link["last_error"], "Connection refused");
  EXPECT_EQ(link["last_error_step"], "tcp");
  EXPECT_EQ(link["last_error_ms"], 300);
  EXPECT_EQ(link["spool_messages"], 4);
  EXPECT_EQ(link["spool_bytes"], 400);
  EXPECT_EQ(link["spool_oldest_ms"], 5000);
}

TEST(LinkListAnswer, WithoutPeersIsAnEmptyList) {
  EXPECT_EQ(LinkListAnswer({}), Json::parse(R"({"ok":true,"links":[]})"));
}

TEST(LinkTestAnswer, PassesOnlyWithStepsOfWhichNoneFailed) {
  EXPECT_EQ(LinkTestAnswer({})["passed"], false);
  std::vector<LinkTestStep> steps = {{LinkStep::kName, LinkTestResult::kSkipped, "an address"},
                                     {LinkStep::kTcp, LinkTestResult::kOk, "connected"}};
  EXPECT_EQ(LinkTestAnswer(steps)["passed"], true);
  steps.push_back({LinkStep::kTls, LinkTestResult::kFailed, "no common version"});
  const Json answer = LinkTestAnswer(steps);
  EXPECT_EQ(answer["ok"], true);
  EXPECT_EQ(answer["passed"], false);
  EXPECT_EQ(answer["steps"][2],
            Json::parse(R"({"step":"tls","result":"failed","text":"no common version"})"));
}

}  // namespace
}  // namespace solec

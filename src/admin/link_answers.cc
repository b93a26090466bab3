#include "admin/link_answers.h"

#include <algorithm>
#include <string>

#include "admin/peer_figures.h"

namespace solec {

using Json = nlohmann::json;

// There is a connection that has been given to the link.
static bool HasLink(const PeerStatus& peer) {
  return peer.state == PeerState::kHandshake || peer.state == PeerState::kResuming ||
         peer.state == PeerState::kUp;
}

static Json LinkObject(const PeerStatus& peer) {
  Json link = {{"name", peer.name},
               {"address", peer.address},
               {"state", PeerStateName(peer.state)},
               {"state_ms", peer.state_ms},
               {"shard", peer.shard},
               {"spool_oldest_ms", peer.spool_oldest_ms}};
  // What is not known is left out: a script that asks for it notices.
  if (HasLink(peer)) {
    link["dialled"] = peer.dialled;
    link["tls"] = peer.tls;
    link["remote"] = peer.remote;
    link["features"] = peer.features;
  }
  if (peer.state == PeerState::kWaiting) link["dial_in_ms"] = peer.dial_in_ms;
  if (!peer.last_error.empty()) {
    link["last_error"] = peer.last_error;
    link["last_error_step"] = LinkStepName(peer.last_error_step);
    link["last_error_ms"] = peer.last_error_ms;
  }
  ForEachPeerFigure(peer, [&link](const PeerFigure& figure) {
    std::string name(figure.name);
    if (!figure.kind.empty()) name.append("_").append(figure.kind);
    link[name] = figure.value;
  });
  return link;
}

Json LinkListAnswer(const std::vector<PeerStatus>& peers) {
  Json links = Json::array();
  for (const PeerStatus& peer : peers) links.push_back(LinkObject(peer));
  return {{"ok", true}, {"links", std::move(links)}};
}

Json LinkTestAnswer(const std::vector<LinkTestStep>& steps) {
  Json answers = Json::array();
  for (const LinkTestStep& step : steps) {
    answers.push_back({{"step", LinkStepName(step.step)},
                       {"result", LinkTestResultName(step.result)},
                       {"text", step.text}});
  }
  const bool failed = std::ranges::any_of(steps, [](const LinkTestStep& step) {
    return step.result == LinkTestResult::kFailed;
  });
  return {{"ok", true}, {"passed", !failed && !steps.empty()}, {"steps", std::move(answers)}};
}

}  // namespace solec

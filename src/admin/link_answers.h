// The answers to `link list` and `link test`, as JSON. Pure; any thread.
//
//   {"ok":true,"links":[{"name":"b.example","state":"up","dialled":true,"tls":true,…}]}
//   {"ok":true,"passed":false,"steps":[{"step":"tcp","result":"failed","text":"…"}]}
//
// docs/operations.md says what each member means. Times are milliseconds.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "link/peer_status.h"

namespace solec {

// One object a peer, in the order given.
nlohmann::json LinkListAnswer(const std::vector<PeerStatus>& peers);

// One object a step. "passed": there are steps, and none of them failed.
nlohmann::json LinkTestAnswer(const std::vector<LinkTestStep>& steps);

}  // namespace solec

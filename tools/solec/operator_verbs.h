// solec user, channel, link, reload and drain: requests to a running server.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddOperatorVerbs(CLI::App* app, Verb* chosen);

}  // namespace solec

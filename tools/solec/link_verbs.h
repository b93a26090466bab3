// solec link list and solec link test: what a running server knows of its peers.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

// `link`: the group of the two.
void AddLinkVerbs(CLI::App* link, Verb* chosen);

}  // namespace solec

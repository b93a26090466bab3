// solec top: what a running server is doing, once a second.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddTopVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

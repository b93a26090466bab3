// solec listen: prints messages as they come.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddListenVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

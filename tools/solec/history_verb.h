// solec history: what the server keeps of a chat or a channel.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddHistoryVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

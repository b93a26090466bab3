// solec chat: reading and typing at the same time.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddChatVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

// solec send: one message, or one for each line of standard input.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddSendVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

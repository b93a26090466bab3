// solec join, leave, contact, channels and members: who talks with whom.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddContactVerbs(CLI::App* app, Verb* chosen);

}  // namespace solec

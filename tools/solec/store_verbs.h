// solec store check, stats, backup, export: for the server's operator.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddStoreVerbs(CLI::App* app, Verb* chosen);

}  // namespace solec

// solec cert create: a server's certificate, and the pin that its peers write down.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddCertVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

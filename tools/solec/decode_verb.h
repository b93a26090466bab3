// solec decode: any bytes of the protocol, made readable.
#pragma once

#include "tools/solec/verb.h"

namespace solec {

void AddDecodeVerb(CLI::App* app, Verb* chosen);

}  // namespace solec

// What a store holds as lines of JSON, one object each. Pure.
#pragma once

#include <functional>
#include <string>

#include "store/maintenance.h"

namespace solec {

// A sink that makes lines of what it gets. `print` takes one without its end, false to stop.
// `with_passwords`: users with the hashes of their passwords.
ExportSink JsonLines(bool with_passwords, std::function<bool(const std::string&)> print);

}  // namespace solec

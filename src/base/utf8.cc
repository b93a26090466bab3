#include "base/utf8.h"

namespace solec {

bool IsValidUtf8(std::string_view) { return true; }

}  // namespace solec

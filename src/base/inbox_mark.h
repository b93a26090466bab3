// A place in what was kept for one user.
#pragma once

#include <cstdint>

namespace solec {

// All up to `position`, which are `bytes` of frames since the account began: the difference of two
// marks is what lies between them.
struct InboxMark {
  uint64_t position = 0;
  uint64_t bytes = 0;
};

}  // namespace solec

// What the target of a message or a request names, seen from one server. Pure.
#pragma once

#include <string_view>

#include "proto/address.h"

namespace solec {

enum class TargetKind : uint8_t {
  kInvalid,      // not an address
  kUser,         // of this server
  kChannel,      // of this server
  kService,      // the service address of this server
  kOtherServer,  // a user or channel of another server
};

struct Target {
  TargetKind kind = TargetKind::kInvalid;
  std::string_view name;    // "bob", "#room"; into the text that was parsed
  std::string_view server;  // as written, or empty
};

// `own_server`: folded. `text` need not be valid UTF-8; if it is not, the target is invalid.
Target ParseTarget(std::string_view text, std::string_view own_server);

}  // namespace solec

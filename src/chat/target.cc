#include "chat/target.h"

namespace solec {

Target ParseTarget(std::string_view text, std::string_view own_server) {
  Address address;
  if (!ParseAddress(text, &address)) return {};
  Target target{TargetKind::kUser, address.name, address.server};
  if (!address.server.empty() && !SameServer(address.server, own_server)) {
    target.kind = TargetKind::kOtherServer;
  } else if (address.is_channel()) {
    target.kind = TargetKind::kChannel;
  } else if (address.name == kServiceName) {
    target.kind = TargetKind::kService;
  }
  return target;
}

}  // namespace solec

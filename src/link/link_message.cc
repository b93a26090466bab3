#include "link/link_message.h"

namespace solec {

LinkMessage ClassifyLinkMessage(std::string_view source, std::string_view target,
                                std::string_view own, std::string_view peer) {
  LinkMessage message;
  const bool whole = ParseAddress(source, &message.source) &&
                     ParseAddress(target, &message.target) && !message.source.server.empty() &&
                     !message.target.server.empty() && !message.source.is_channel();
  if (!whole) return message;
  const bool channel = message.target.is_channel();
  const bool from_peer = SameServer(message.source.server, peer);
  if (SameServer(message.target.server, own)) {
    message.kind = !from_peer ? LinkMessageKind::kForgedSource
                   : channel  ? LinkMessageKind::kToChannel
                              : LinkMessageKind::kToUser;
  } else if (!channel) {
    message.kind = LinkMessageKind::kTransit;
  } else {
    message.kind = SameServer(message.target.server, peer) ? LinkMessageKind::kCopy
                                                           : LinkMessageKind::kForeignChannel;
  }
  return message;
}

}  // namespace solec

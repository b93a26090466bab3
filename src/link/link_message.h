// What a Message that came over a link is, by its addresses alone: section 8 of the protocol on the
// receiving side. A server speaks for its own users and fans out its own channels, and for nothing
// else. Pure.
#pragma once

#include <string_view>

#include "proto/address.h"

namespace solec {

enum class LinkMessageKind : uint8_t {
  kToUser,          // a user of the peer writes to one of this server
  kToChannel,       // a user of the peer writes to a channel of this server
  kCopy,            // of a channel of the peer, for its members here
  kForgedSource,    // refused: the source is not the peer's
  kForeignChannel,  // refused: a channel of a third server
  kTransit,         // refused: for a user of the peer's own, or of a third server
  kInvalid,         // refused: not two full addresses
};

struct LinkMessage {
  LinkMessageKind kind = LinkMessageKind::kInvalid;
  Address source;  // into the texts
  Address target;
};

// `own` and `peer`: names of servers, folded. The texts need not be valid UTF-8.
LinkMessage ClassifyLinkMessage(std::string_view source, std::string_view target,
                                std::string_view own, std::string_view peer);

}  // namespace solec

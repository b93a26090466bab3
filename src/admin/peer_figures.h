// The figures of a peer under the names that operators see, in one place: `link list` and /linkz
// give them as JSON, /metrics for Prometheus. Values; any thread. Bounded by the number of peers
// that the configuration names.
#pragma once

#include <cstdint>
#include <string_view>

#include "link/peer_status.h"

namespace solec {

struct PeerFigure {
  std::string_view name;   // "spool_bytes"; for Prometheus solec_link_spool_bytes_now
  std::string_view kind;   // "source": its kind among those that are refused; empty: there are none
  std::string_view help;
  uint64_t value = 0;
  bool is_gauge = false;
};

// Calls visit(figure) for each; figures of several kinds come one after another.
template <class Visit>
void ForEachPeerFigure(const PeerStatus& peer, Visit&& visit) {
  const PeerFigure figures[] = {
      {"spool_messages", "", "Messages that wait for the peer", peer.spool_messages, true},
      {"spool_bytes", "", "Bytes of the messages that wait for the peer", peer.spool_bytes, true},
      {"sent", "", "Messages sent to the peer for the first time", peer.sent},
      {"resent", "", "Messages sent again after a cut", peer.resent},
      {"accepted", "", "Messages that the peer accepted", peer.accepted},
      {"received", "", "Messages received from the peer", peer.received},
      {"repeated", "", "Messages received again and skipped", peer.repeated},
      {"rejected", "", "Messages that the peer rejected", peer.rejected},
      {"bounced", "", "Messages given up, as their senders were told", peer.bounced},
      {"refused", "source", "Messages received and refused, by kind", peer.refused_source},
      {"refused", "channel", "Messages received and refused, by kind", peer.refused_channel},
      {"refused", "transit", "Messages received and refused, by kind", peer.refused_transit},
      {"refused", "other", "Messages received and refused, by kind", peer.refused_other},
      {"dials", "", "Tries to reach the peer", peer.dials},
      {"dial_failures", "", "Tries that led to no link", peer.dial_failures},
      {"ups", "", "Links to the peer that came up", peer.links},
  };
  for (const PeerFigure& figure : figures) visit(figure);
}

}  // namespace solec

// What a record on its way to the writer has to do with peers, as bytes: whose spools its messages
// go to, and which numbers of whose streams they are. Both sides are of this process, so what is
// read is what was written. Private to src/store.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "store/peer_types.h"

namespace solec {

// Replaces what `to` held.
inline void PackLinks(std::span<const std::string_view> peers,
                      std::span<const ReceivedMessages> received, std::string* to) {
  to->clear();
  if (peers.empty() && received.empty()) return;
  const auto number = [to](uint64_t value) {
    to->append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  const auto name = [&](std::string_view text) {
    number(text.size());
    *to += text;
  };
  number(peers.size());
  for (std::string_view peer : peers) name(peer);
  number(received.size());
  for (const ReceivedMessages& messages : received) {
    name(messages.peer);
    number(messages.number);
    number(messages.count);
  }
}

// Views into the record.
struct RecordLinks {
  std::vector<std::string_view> peers;
  std::vector<ReceivedMessages> received;
};

inline RecordLinks UnpackLinks(std::string_view from) {
  RecordLinks links;
  if (from.empty()) return links;
  const auto text = [&from](size_t size) {
    SOLEC_ASSERT(size <= from.size());
    const std::string_view taken = from.substr(0, size);
    from.remove_prefix(size);
    return taken;
  };
  const auto number = [&] {
    uint64_t value = 0;
    std::memcpy(&value, text(sizeof(value)).data(), sizeof(value));
    return value;
  };
  links.peers.resize(number());
  for (std::string_view& peer : links.peers) peer = text(number());
  links.received.resize(number());
  for (ReceivedMessages& messages : links.received) {
    messages.peer = text(number());
    messages.number = number();
    messages.count = static_cast<uint32_t>(number());
  }
  return links;
}

}  // namespace solec

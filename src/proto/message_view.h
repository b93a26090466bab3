// A Message as the router wants it: cut into its parts by lengths alone, with nothing copied and no
// text looked at. A router that has seen the same source and target before need not validate them
// again; the content is validated by whoever calls IsValidUtf8 on it. Together with that it refuses
// exactly what Decode<Message> refuses.
#pragma once

#include "base/bytes.h"
#include "proto/codec.h"

namespace solec {

struct MessageView {
  std::string_view source;   // not validated
  std::string_view target;   // not validated
  std::string_view content;  // not validated
  Bytes addresses;           // source and target as they stand in the payload, counts included
  Bytes tail;                // timestamp and content as they stand in the payload, count included
};

// True, with `view` filled, if the fields' lengths make up exactly `payload`.
inline bool ParseMessage(Bytes payload, MessageView* view) {
  constexpr size_t kCount = 2, kTimestamp = 8;
  const uint8_t* const begin = payload.data();
  const size_t size = payload.size();
  if (size < 3 * kCount + kTimestamp) return false;
  const size_t source_size = LoadBig<uint16_t>(begin);
  const size_t target_at = kCount + source_size;
  if (target_at + 2 * kCount + kTimestamp > size) return false;
  const size_t target_size = LoadBig<uint16_t>(begin + target_at);
  const size_t tail_at = target_at + kCount + target_size;
  if (tail_at + kTimestamp + kCount > size) return false;
  const size_t content_size = LoadBig<uint16_t>(begin + tail_at + kTimestamp);
  const size_t content_at = tail_at + kTimestamp + kCount;
  if (content_at + content_size != size) return false;
  view->source = AsString(payload.subspan(kCount, source_size));
  view->target = AsString(payload.subspan(target_at + kCount, target_size));
  view->content = AsString(payload.subspan(content_at, content_size));
  view->addresses = payload.first(tail_at);
  view->tail = payload.subspan(tail_at);
  return true;
}

}  // namespace solec

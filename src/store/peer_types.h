// What the store and the shards say to each other about peers (other servers): messages that wait
// for one in its spool, and the numbers of the messages that came from it. Plain values.
//
// The spool's messages are numbered from 1 on in the order in which they were committed: dense,
// whatever fails, and never used twice. What went to the peer under a number is therefore the same
// message for good, unless the store is a restored backup: it has out_stream 0 then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"

namespace solec {

// Both ends belong to it.
struct NumberRange {
  uint64_t first = 0, last = 0;
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

// What is kept of a peer's two streams.
struct PeerRecord {
  uint64_t out_stream = 0;  // names our messages for it; 0: SetOutStream was never called
  uint64_t out_base = 0;    // the spool's message n has number n - out_base in the stream
  uint64_t out_first = 1;   // first..last wait in the spool; none: first == last + 1
  uint64_t out_last = 0;
  uint64_t out_bytes = 0;
  uint64_t in_stream = 0;   // of its messages for us; 0: none yet
  uint64_t in_held = 0;     // all up to here are held
  std::vector<NumberRange> in_early{};  // and these beyond it; rising, none touching
};

// A run of whole Message frames, with full addresses, from one user of this server to one target at
// a peer.
struct OutgoingMessages {
  std::string_view peer;    // "b.example"
  std::string_view sender;  // "alice"
  std::string_view target;  // "bob@b.example": into the chat's history too; or "#room@b.example"
  Bytes first, second{};    // the frames; both parts together
};

// Messages of a peer's stream, numbered from `number` on.
struct ReceivedMessages {
  std::string_view peer;
  uint64_t number = 0;
  uint32_t count = 0;
};

// The oldest of what waits in a spool beyond a number. A page ends before a gap: what is missing
// was given up, or was a channel's and has left its history.
struct SpoolPage {
  std::string frames;  // whole Message frames
  uint32_t count = 0;
  uint64_t first = 0;   // number of the first; the others follow it; 0: none is there any more
  uint64_t age_ms = 0;  // of the first
  bool more = false;    // not all that was there fitted, or there is a gap
};

// A spool has grown. `frames` are those from `first` on, if they are at hand (count != 0); they
// need not reach to `last`. Views live as long as the call.
struct SpoolGrowth {
  std::string_view peer;
  uint64_t last = 0;
  uint64_t first = 0;
  uint32_t count = 0;
  Bytes frames{};
};

using SpoolHandler = absl::AnyInvocable<void(const SpoolGrowth&)>;

}  // namespace solec

// The newest messages of a history. The protocol reads histories forward from a position only, and
// positions have gaps of any size, so the end is searched for: by doubling steps, then by halving.
// Some dozens of small requests at most, however long the history is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client_event.h"

namespace solec {

// Reads at most `limit` (1 to kHistoryLimitMax) messages after position `after`, oldest first; none
// only at the end. Client::History bound to an address.
using HistoryReader =
    std::function<absl::StatusOr<std::vector<HistoryEntry>>(uint64_t after, uint16_t limit)>;

// The newest `count` messages, oldest first; all if there are fewer. The first error of `read` ends
// the search. Messages that arrive meanwhile may or may not be among them.
absl::StatusOr<std::vector<HistoryEntry>> ReadHistoryTail(const HistoryReader& read, size_t count);

// At most `count` messages after `after`, however many requests that takes.
absl::StatusOr<std::vector<HistoryEntry>> ReadHistoryAfter(const HistoryReader& read,
                                                           uint64_t after, size_t count);

}  // namespace solec

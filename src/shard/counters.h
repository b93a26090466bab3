// A shard's counters and gauges. The shard alone writes them; anybody may read them at any time
// (relaxed atomics: each value is whole, values of one moment are not promised to agree).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "net/close_reason.h"
#include "proto/constants.h"

namespace solec {

class Counter {
 public:
  // Writer's thread only: a load and a store, no locked instruction.
  void Add(uint64_t n = 1) { Set(Get() + n); }
  void Sub(uint64_t n = 1) { Set(Get() - n); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// name, help; a gauge's name ends in _now. A new metric is a line here and an Add where it happens.
#define SOLEC_SHARD_COUNTERS(X)                                                       \
  X(connections_accepted, "Connections accepted")                                     \
  X(connections_refused, "Connections closed at once, over a limit")                  \
  X(connections_now, "Connections open")                                              \
  X(sessions_now, "Sessions of users, logged in")                                     \
  X(users_now, "Users resident in memory")                                            \
  X(channels_now, "Channels owned and resident in memory")                            \
  X(logins, "Logins that succeeded")                                                  \
  X(logins_by_proof, "Logins whose password was checked a short while ago")           \
  X(login_failures, "Logins refused: unknown name or wrong password")                 \
  X(hand_overs, "Connections handed over to their user's shard")                      \
  X(messages_received, "Messages taken from users")                                   \
  X(messages_refused, "Messages answered with an error")                              \
  X(messages_delivered, "Messages put into the output of a session")                  \
  X(messages_waiting, "Messages kept for users without a session")                    \
  X(bytes_received, "Bytes received")                                                 \
  X(bytes_sent, "Bytes sent")                                                         \
  X(receives, "Receives completed")                                                   \
  X(sends, "Sends completed")                                                         \
  X(requests, "Requests answered (join, leave, contacts, lists)")                     \
  X(links_now, "Links to other servers that are up")                                  \
  X(link_messages_received, "Messages taken from links")                              \
  X(link_messages_sent, "Messages put into the output of links, again ones included") \
  X(link_sources_refused, "Messages of links refused: a source not of the peer")       \
  X(link_channels_refused, "Messages of links refused: for a channel of a third server") \
  X(link_transit_refused, "Messages of links refused: for a user elsewhere")          \
  X(mail_sent, "Records put into mailboxes of other shards")                          \
  X(mail_full, "Times a mailbox was full and reading stopped")                        \
  X(doorbells, "Sleeping shards woken")                                               \
  X(reading_paused, "Times reading of a connection was paused by backpressure")       \
  X(buffers_exhausted, "Times a receive found no free buffer")                        \
  X(completions_overflowed, "Times the completion queue overflowed")                  \
  X(accept_failures, "Accepts that failed (out of file descriptors)")                 \
  X(turns, "Turns of the loop")                                                       \
  X(store_bytes_now, "Bytes held by the memory store")

struct ShardCounters {
#define SOLEC_DECLARE(name, help) Counter name;
  SOLEC_SHARD_COUNTERS(SOLEC_DECLARE)
#undef SOLEC_DECLARE
  std::array<Counter, kCloseReasonCount> closed;  // by CloseReason
  std::array<Counter, 256> errors_sent;           // by ErrorCode (Error, Rejected, Result)
};

// Calls visit(name, help, value, is_gauge) for each counter but the two arrays.
template <class Visit>
void ForEachCounter(const ShardCounters& counters, Visit&& visit) {
#define SOLEC_VISIT(name, help) \
  visit(std::string_view(#name), std::string_view(help), counters.name.Get(), \
        std::string_view(#name).ends_with("_now"));
  SOLEC_SHARD_COUNTERS(SOLEC_VISIT)
#undef SOLEC_VISIT
}

}  // namespace solec

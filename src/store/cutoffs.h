// Up to where retention has taken messages away: reads skip what lies there, compaction drops it.
// They only grow. One for a store; written by its writer, read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace solec {

struct Cutoffs {
  std::atomic<uint64_t> chats{0};  // positions, chats and inboxes
  std::atomic<uint64_t> posts{0};  // channels' histories
};

}  // namespace solec

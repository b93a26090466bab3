// What the disk store has done, as numbers for the metrics. Written by the store's threads, read by
// any: each figure is right, all of them together need not be of one moment.
#pragma once

#include <cstdint>

namespace solec {

struct StoreFigures {
  uint64_t commits = 0;  // each one synchronized with the disk
  uint64_t commits_failed = 0;
  uint64_t commit_ns = 0;  // spent in them, waiting for the disk included
  uint64_t commit_ns_max = 0;
  uint64_t messages_kept = 0;     // committed
  uint64_t messages_refused = 0;  // full disk or a failed commit
  uint64_t message_bytes = 0;     // frames of the kept ones
  uint64_t runs_kept = 0;         // rows that hold them
  uint64_t messages_spooled = 0;        // put into a spool, once for each peer
  uint64_t spool_messages_refused = 0;  // the peer's spool was full
  uint64_t spool_messages_dropped = 0;  // a channel's, for a peer whose spool was full
  uint64_t records_written = 0;   // changes of users and channels
  uint64_t reads = 0;             // records, waiting messages, histories
  uint64_t reads_failed = 0;
  uint64_t last_position = 0;  // the last committed
  uint64_t chat_cutoff = 0;    // what retention has taken away: all up to these positions
  uint64_t post_cutoff = 0;
  uint64_t queue_bytes = 0;  // on their way from the shards to the disk
  uint64_t free_bytes = 0;   // of the disk, as of the last look
  uint64_t reopened = 0;     // recoveries from a disk that refused to write
  bool full = false;         // messages are refused: the disk is full
  bool failed = false;       // nothing can be written for another reason
};

}  // namespace solec

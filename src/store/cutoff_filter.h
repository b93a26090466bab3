// Lets compaction drop the messages that retention has taken away. Private to src/store; called on
// RocksDB's threads.
#pragma once

#include <memory>

#include "rocksdb/compaction_filter.h"
#include "store/cutoffs.h"
#include "store/layout.h"

namespace solec {

// For spaces whose keys end in a position: chats, inbox and posts. Null for the others.
std::shared_ptr<rocksdb::CompactionFilterFactory> MakeCutoffFilter(
    StoreSpace space, std::shared_ptr<const Cutoffs> cutoffs);

}  // namespace solec

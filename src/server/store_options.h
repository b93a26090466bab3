// What a configuration says of the store on disk.
#pragma once

#include <string>

#include "config/config.h"
#include "store/disk_store.h"

namespace solec {

// For DiskStore::Open; `config` has a data_dir. How many shards, and who is woken, is up to whoever
// opens it.
DiskStoreOptions StoreOptionsOf(const Config& config);

}  // namespace solec

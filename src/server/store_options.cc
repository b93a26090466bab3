#include "server/store_options.h"

#include "server/data_dir.h"

namespace solec {

DiskStoreOptions StoreOptionsOf(const Config& config) {
  DiskStoreOptions options;
  options.path = StorePathOf(config.data_dir);
  options.server_name = config.server_name;
  options.cache_bytes = config.store.cache_bytes;
  options.write_buffer_bytes = config.store.write_buffer_bytes;
  options.commit_delay_ns = config.store.commit_delay_ms * 1'000'000;
  options.free_space_min = config.store.free_space_min;
  options.history = config.history;
  return options;
}

}  // namespace solec

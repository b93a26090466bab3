// The store of a server that does not run, open for its administrator: what could be asked of the
// server's admin socket can be asked of it. While it is open no server can start on it.
//
// One owner, one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "shard/offline_shard.h"
#include "store/disk_store.h"

namespace solec {

class ClosedStore {
 public:
  // `config` has a data_dir; the folder and the store are made if they are missing. `log` gets what
  // the store has to say. Errors: PermissionDenied also if the folder is another user's, who could
  // not use what would be written into it; others as DiskStore::Open.
  static absl::StatusOr<std::unique_ptr<ClosedStore>> Open(
      const Config& config, std::function<void(std::string_view)> log);
  ~ClosedStore();  // everything that was answered is on the disk

  ControlTarget* control() { return &shard_; }
  DiskStore* store() { return store_.get(); }

 private:
  ClosedStore(const Config& config, std::unique_ptr<DiskStore> store);

  const std::unique_ptr<DiskStore> store_;
  OfflineShard shard_;
};

}  // namespace solec

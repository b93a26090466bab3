#include "server/closed_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "server/data_dir.h"
#include "server/store_options.h"

namespace solec {
namespace {

// Root may write everywhere, but the server that starts next may not read what root has made.
absl::Status CheckOwner(const std::string& data_dir) {
  struct stat found {};
  if (stat(data_dir.c_str(), &found) != 0 || found.st_uid == geteuid()) return absl::OkStatus();
  return absl::PermissionDeniedError("data_dir " + data_dir + " belongs to the user with the id " +
                                     std::to_string(found.st_uid) + "; run this as that user");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClosedStore>> ClosedStore::Open(
    const Config& config, std::function<void(std::string_view)> log) {
  if (absl::Status made = MakeDataDir(config.data_dir); !made.ok()) return made;
  if (absl::Status owned = CheckOwner(config.data_dir); !owned.ok()) return owned;
  DiskStoreOptions options = StoreOptionsOf(config);
  options.log = std::move(log);
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(std::move(options));
  if (!store.ok()) return store.status();
  return std::unique_ptr<ClosedStore>(new ClosedStore(config, *std::move(store)));
}

ClosedStore::ClosedStore(const Config& config, std::unique_ptr<DiskStore> store)
    : store_(std::move(store)),
      shard_(config.server_name, config.limits, config.policy, store_->port(0), [this] {
        const bool wrote = store_->RunWriter();
        return store_->RunReader() || wrote;
      }) {}

ClosedStore::~ClosedStore() { store_->Stop(); }

}  // namespace solec

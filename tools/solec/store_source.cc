#include "tools/solec/store_source.h"

#include <filesystem>
#include <system_error>

#include "server/backup.h"
#include "server/closed_store.h"
#include "server/data_dir.h"
#include "tools/solec/operator_target.h"

namespace solec {
namespace {

// A snapshot of a large store takes a while: what is still in memory has to be written first.
constexpr char kBackupTimeout[] = "1h";

absl::Status AskForBackup(AdminClient* server, const std::string& folder) {
  nlohmann::json request;
  request["command"] = "store backup";
  request["folder"] = std::filesystem::absolute(folder).string();
  return server->Ask(request).status();
}

absl::StatusOr<OperatorTarget> FindStore(AdminOptions options) {
  if (options.timeout.empty()) options.timeout = kBackupTimeout;
  return OperatorTarget::Find(options, /*needs_server=*/false);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreSource>> StoreSource::Open(const AdminOptions& options,
                                                               const std::string& from) {
  const auto at = [](const std::string& data_dir, const std::string& snapshot) {
    return std::unique_ptr<StoreSource>(new StoreSource(StorePathOf(data_dir), snapshot));
  };
  if (!from.empty()) return at(from, "");
  absl::StatusOr<OperatorTarget> target = FindStore(options);
  if (!target.ok()) return target.status();
  if (!target->config().has_value()) {
    return absl::InvalidArgumentError(
        "give the server's --config FILE: it says where the store is; or --from DIR, a backup");
  }
  const std::string& data_dir = target->config()->data_dir;
  if (target->server() == nullptr) return at(data_dir, "");
  const std::string snapshot = SnapshotPath(data_dir);
  if (absl::Status copied = AskForBackup(target->server(), snapshot); !copied.ok()) return copied;
  return at(snapshot, snapshot);
}

StoreSource::~StoreSource() {
  std::error_code error;
  if (!snapshot_.empty()) std::filesystem::remove_all(snapshot_, error);
}

absl::Status BackUp(const AdminOptions& options, const std::string& folder) {
  absl::StatusOr<OperatorTarget> target = FindStore(options);
  if (!target.ok()) return target.status();
  if (target->server() != nullptr) return AskForBackup(target->server(), folder);
  const absl::StatusOr<std::unique_ptr<ClosedStore>> store = target->OpenStore();
  if (!store.ok()) return store.status();
  const absl::Status status = BackUpStore((*store)->store(), folder);
  // A wrong path is no wrong usage: with a server it would not be either.
  if (!absl::IsInvalidArgument(status)) return status;
  return absl::FailedPreconditionError(std::string(status.message()));
}

}  // namespace solec

#include "server/backup.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <vector>

#include "server/data_dir.h"

namespace solec {
namespace {

constexpr char kSnapshotPrefix[] = "snapshot-";

}  // namespace

absl::Status BackUpStore(DiskStore* store, const std::string& folder) {
  if (absl::Status made = MakeDataDir(folder, "backup"); !made.ok()) return made;
  std::error_code error;
  const bool is_empty = std::filesystem::is_empty(folder, error);
  if (error) return absl::PermissionDeniedError(folder + ": " + error.message());
  if (!is_empty) {
    return absl::AlreadyExistsError(folder + " is not empty; a backup goes into a new folder");
  }
  return store->Backup(StorePathOf(folder));
}

std::string SnapshotPath(const std::string& data_dir) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return data_dir + "/" + kSnapshotPrefix + std::to_string(getpid()) + "-" + std::to_string(now);
}

void RemoveSnapshots(const std::string& data_dir) {
  std::error_code error;
  std::vector<std::filesystem::path> left;
  for (std::filesystem::directory_iterator entry(data_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    const bool is_snapshot = entry->path().filename().string().starts_with(kSnapshotPrefix);
    if (is_snapshot) left.push_back(entry->path());
  }
  for (const std::filesystem::path& path : left) std::filesystem::remove_all(path, error);
}

}  // namespace solec

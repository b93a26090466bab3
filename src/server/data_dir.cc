#include "server/data_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace solec {
namespace {

absl::Status Failed(const std::string& what, const std::string& why, int error) {
  const std::string text = what + ": " + why;
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(
        text + "; give the folder to the user that solecd runs as, or name another");
  }
  return absl::InvalidArgumentError(text + "; name a folder that is there or whose parent is");
}

// Of a folder that new files go into.
absl::Status CheckWritable(const std::string& what, const std::string& folder) {
  struct stat found {};
  if (stat(folder.c_str(), &found) != 0) {
    return Failed(what, folder + ": " + std::strerror(errno), errno);
  }
  if (!S_ISDIR(found.st_mode)) return Failed(what, folder + " is not a folder", ENOTDIR);
  if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return Failed(what, folder + " may not be written to: " + std::strerror(errno), errno);
  }
  return absl::OkStatus();
}

std::string ParentOf(const std::string& folder) {
  std::filesystem::path path(folder);
  if (!path.has_filename()) path = path.parent_path();  // "dir/"
  const std::string parent = path.parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

std::string StorePathOf(const std::string& data_dir) {
  return data_dir + "/store";
}

absl::Status CheckDataDir(const std::string& data_dir) {
  struct stat found {};
  const bool missing = stat(data_dir.c_str(), &found) != 0 && errno == ENOENT;
  return CheckWritable("data_dir " + data_dir, missing ? ParentOf(data_dir) : data_dir);
}

absl::Status MakeDataDir(const std::string& data_dir, const std::string& what) {
  if (mkdir(data_dir.c_str(), 0700) != 0 && errno != EEXIST) {
    const int error = errno;
    return Failed(what + " " + data_dir, std::string("cannot be made: ") + std::strerror(error),
                  error);
  }
  return CheckWritable(what + " " + data_dir, data_dir);
}

}  // namespace solec

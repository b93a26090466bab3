// A store to read: a backup, the store of a server that does not run, or, of one that runs, a
// snapshot, which is gone again when this is. One owner, one thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tools/solec/admin_options.h"

namespace solec {

class StoreSource {
 public:
  // `from`: a backup's folder; empty: the store of the server that the flags name.
  static absl::StatusOr<std::unique_ptr<StoreSource>> Open(const AdminOptions& options,
                                                           const std::string& from);
  ~StoreSource();
  StoreSource(const StoreSource&) = delete;
  StoreSource& operator=(const StoreSource&) = delete;

  // For CheckStore and its like.
  const std::string& path() const { return path_; }

 private:
  StoreSource(std::string path, std::string snapshot)
      : path_(std::move(path)), snapshot_(std::move(snapshot)) {}

  const std::string path_;
  const std::string snapshot_;  // a folder to remove; empty: none
};

// Has the server that the flags name, or its store if it does not run, put a copy into `folder`.
absl::Status BackUp(const AdminOptions& options, const std::string& folder);

}  // namespace solec

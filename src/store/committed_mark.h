// A small file beside the database that says how far its last commit went, so that a database that
// lost what was acknowledged (a log that was cut off or is gone) is recognized when it is opened.
// Private to src/store; the writer's.
//
// It is written after each commit and not synchronized: after a crash of the machine it may say
// less than the database holds, never more. Content: the database's sequence number in decimal, 20
// digits, and a newline.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/env.h"

namespace solec {

class CommittedMark {
 public:
  // nullopt if there is no such file. One that cannot be understood is an error.
  static absl::StatusOr<std::optional<uint64_t>> Read(rocksdb::Env* env, const std::string& folder);

  // Makes the file if it is missing, and opens it.
  static absl::StatusOr<std::unique_ptr<CommittedMark>> Open(rocksdb::Env* env,
                                                             const std::string& folder,
                                                             uint64_t sequence);
  // A failure is of no consequence: the check is weaker then.
  void Write(uint64_t sequence);

  static std::string FileIn(const std::string& folder) { return folder + "/committed"; }

 private:
  explicit CommittedMark(std::unique_ptr<rocksdb::RandomRWFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<rocksdb::RandomRWFile> file_;
};

}  // namespace solec

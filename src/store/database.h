// The RocksDB database of the disk store: how it is tuned, opened and closed. Private to src/store:
// only its .cc files and this header, engine.h and retention.h know RocksDB.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "store/layout.h"

namespace solec {

struct Cutoffs;

struct DatabaseOptions {
  std::string folder;  // of RocksDB's own files
  uint64_t cache_bytes = 0;
  uint64_t write_buffer_bytes = 0;
  rocksdb::Env* env = nullptr;       // not owned; tests and the simulation have one of their own
  std::shared_ptr<Cutoffs> cutoffs;  // what compaction may drop; null: nothing
  bool read_only = false;            // nothing on the disk changes, not even RocksDB's own log
  bool create = false;               // if there is none
};

class Database {
 public:
  // The text of an error names the folder and what RocksDB said.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  // Whether there is one in the folder.
  static bool Exists(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB* operator->() const { return db_.get(); }
  rocksdb::DB* get() const { return db_.get(); }
  // Not kSpools where has_spools() is false.
  rocksdb::ColumnFamilyHandle* space(StoreSpace space) const {
    return spaces_[static_cast<size_t>(space)];
  }
  // A store of before, opened for reading only, has none.
  bool has_spools() const { return spaces_.size() == kStoreSpaceCount; }

 private:
  Database() = default;

  std::shared_ptr<rocksdb::Logger> silent_log_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> spaces_;  // by StoreSpace
};

inline rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
inline rocksdb::Slice ToSlice(const StoreKey& key) {
  return ToSlice(key.view());
}
inline rocksdb::Slice ToSlice(Bytes bytes) {
  return ToSlice(AsString(bytes));
}
inline std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// Whether the disk, or a quota, had no room.
bool IsNoSpace(const rocksdb::Status& status);

}  // namespace solec

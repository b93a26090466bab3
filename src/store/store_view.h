// A store opened for looking at all of it, one space after the other. Private to src/store: what
// maintenance.h offers is built on it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/env.h"
#include "store/database.h"
#include "store/layout.h"

namespace solec {

class StoreView {
 public:
  // Refuses a store that a server has open, or of another schema.
  static absl::StatusOr<std::unique_ptr<StoreView>> Open(const std::string& path);
  ~StoreView();

  // Calls visit(key, value) for every entry of a space, in order of key, until it returns false.
  // The error names the space.
  absl::Status Visit(
      StoreSpace space,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const;

  // One entry: whether it is there.
  absl::StatusOr<bool> Find(StoreSpace space, const StoreKey& key, std::string* value) const;

  // What is known of all peers, and how far their spools reach; from the space meta and the ends of
  // the spools.
  struct Peer {
    PeerValue value;
    uint64_t last = 0;
    uint64_t last_bytes = 0;
  };
  absl::StatusOr<std::map<std::string, Peer, std::less<>>> LoadPeers() const;

  const Database& database() const { return *database_; }
  const std::string& path() const { return path_; }
  const std::string& schema() const { return schema_; }
  const std::string& server_name() const { return server_name_; }
  const StateValue& state() const { return state_; }
  const CutoffsValue& cutoffs() const { return cutoffs_; }

 private:
  explicit StoreView(std::string path) : path_(std::move(path)) {}
  absl::Status LoadMeta();

  const std::string path_;
  rocksdb::FileLock* lock_ = nullptr;
  std::unique_ptr<Database> database_;
  std::string schema_, server_name_;
  StateValue state_;
  CutoffsValue cutoffs_;
};

}  // namespace solec

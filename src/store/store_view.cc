#include "store/store_view.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace solec {

namespace {

constexpr uint64_t kCacheBytes = 8 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<StoreView>> StoreView::Open(const std::string& path) {
  std::unique_ptr<StoreView> view(new StoreView(path));
  rocksdb::Env* const env = rocksdb::Env::Default();
  DatabaseOptions options;
  options.folder = path + "/db";
  options.cache_bytes = kCacheBytes;
  options.write_buffer_bytes = 1 << 20;
  options.read_only = true;
  if (!Database::Exists(options)) {
    return absl::NotFoundError(absl::StrCat("there is no store in ", path));
  }
  // A backup has no lock: nobody writes to it.
  const std::string lock = path + "/lock";
  if (env->FileExists(lock).ok() && !env->LockFile(lock, &view->lock_).ok()) {
    return absl::UnavailableError(absl::StrCat("the store in ", path, " is in use by a server"));
  }
  absl::StatusOr<std::unique_ptr<Database>> opened = Database::Open(options);
  if (!opened.ok()) return opened.status();
  view->database_ = std::move(*opened);
  if (absl::Status loaded = view->LoadMeta(); !loaded.ok()) return loaded;
  return view;
}

StoreView::~StoreView() {
  database_.reset();
  if (lock_ != nullptr) rocksdb::Env::Default()->UnlockFile(lock_).PermitUncheckedError();
}

absl::Status StoreView::LoadMeta() {
  const auto read = [this](std::string_view name, std::string* value) {
    return (*database_)->Get({}, database_->space(StoreSpace::kMeta), ToSlice(name), value);
  };
  std::string value;
  if (!read(kSchemaKey, &schema_).ok() || !read(kServerKey, &server_name_).ok()) {
    return absl::DataLossError(
        absl::StrCat("the store in ", path_, " is damaged: its schema cannot be read"));
  }
  if (schema_ != kStoreSchema && schema_ != kStoreSchemaBefore) {
    return absl::FailedPreconditionError(absl::StrCat("the store in ", path_, " has schema ",
                                                      schema_, ", this program knows ",
                                                      std::string(kStoreSchema)));
  }
  if (rocksdb::Status found = read(kStateKey, &value); !found.IsNotFound()) {
    const std::optional<StateValue> state = ParseState(value);
    if (!found.ok() || !state) {
      return absl::DataLossError(
          absl::StrCat("the store in ", path_, " is damaged: its position cannot be read"));
    }
    state_ = *state;
  }
  if (rocksdb::Status found = read(kCutoffsKey, &value); !found.IsNotFound()) {
    const std::optional<CutoffsValue> cutoffs = ParseCutoffs(value);
    if (!found.ok() || !cutoffs) {
      return absl::DataLossError(
          absl::StrCat("the store in ", path_, " is damaged: its cutoffs cannot be read"));
    }
    cutoffs_ = *cutoffs;
  }
  return absl::OkStatus();
}

absl::Status StoreView::Visit(
    StoreSpace space,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  if (space == StoreSpace::kSpools && !database_->has_spools()) return absl::OkStatus();
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  const std::unique_ptr<rocksdb::Iterator> entries(
      (*database_)->NewIterator(options, database_->space(space)));
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    if (!visit(ToView(entries->key()), ToView(entries->value()))) return absl::OkStatus();
  }
  if (entries->status().ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the space ", std::string(StoreSpaceName(space)),
                                          " of the store in ", path_,
                                          " cannot be read: ", entries->status().ToString()));
}

absl::StatusOr<std::map<std::string, StoreView::Peer, std::less<>>> StoreView::LoadPeers() const {
  std::map<std::string, Peer, std::less<>> peers;
  std::string damaged;
  absl::Status visited = Visit(StoreSpace::kMeta, [&](auto key, auto value) {
    const std::optional<std::string_view> name = ParsePeerKey(key);
    if (!name) return true;
    std::optional<PeerValue> parsed = ParsePeer(value);
    if (!parsed) damaged = *name;
    else peers[std::string(*name)] = {*parsed, parsed->trimmed, parsed->trimmed_bytes};
    return damaged.empty();
  });
  if (!visited.ok()) return visited;
  visited = Visit(StoreSpace::kSpools, [&](auto key, auto value) {
    const std::optional<std::string_view> name = ParseOwnerOfRun(key);
    const std::optional<SpoolValue> row = ParseSpool(value);
    if (!name || !row) {
      damaged = key;
      return false;
    }
    Peer& peer = peers[std::string(*name)];
    if (*PositionOfKey(key) <= peer.last) return true;
    peer.last = *PositionOfKey(key);
    peer.last_bytes = row->bytes_up_to;
    return true;
  });
  if (!visited.ok()) return visited;
  if (damaged.empty()) return peers;
  return absl::DataLossError(absl::StrCat("the store in ", path_, " is damaged: what it knows of ",
                                          absl::CHexEscape(damaged),
                                          " cannot be decoded; see solec store check"));
}

absl::StatusOr<bool> StoreView::Find(StoreSpace space, const StoreKey& key,
                                     std::string* value) const {
  const rocksdb::Status read = (*database_)->Get({}, database_->space(space), ToSlice(key), value);
  if (read.ok()) return true;
  if (read.IsNotFound()) return false;
  return absl::DataLossError(absl::StrCat("the space ", std::string(StoreSpaceName(space)),
                                          " of the store in ", path_,
                                          " cannot be read: ", read.ToString()));
}

}  // namespace solec

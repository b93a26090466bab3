#include "store/engine.h"

#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "rocksdb/utilities/checkpoint.h"

namespace solec {

namespace {

constexpr size_t kBatchReserved = 1 << 20;  // grows to what a batch needs, once

rocksdb::Env* EnvOf(const EngineOptions& options) {
  return options.env != nullptr ? options.env : rocksdb::Env::Default();
}

}  // namespace

Engine::Engine(EngineOptions options) : options_(std::move(options)), batch_(kBatchReserved) {}

Engine::~Engine() {
  database_.reset();
  if (lock_ != nullptr) EnvOf(options_)->UnlockFile(lock_).PermitUncheckedError();
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(EngineOptions options) {
  std::unique_ptr<Engine> engine(new Engine(std::move(options)));
  rocksdb::Env* const env = EnvOf(engine->options_);
  const std::string& path = engine->options_.path;
  if (engine->options_.env == nullptr) {
    // Only the server's user may look at what people write to each other.
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return absl::FailedPreconditionError(
          absl::StrCat("the store's folder ", path, " cannot be made: ", strerror(errno)));
    }
  } else if (rocksdb::Status made = env->CreateDirIfMissing(path); !made.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store's folder ", path, " cannot be made: ", made.ToString()));
  }
  if (rocksdb::Status locked = env->LockFile(path + "/lock", &engine->lock_); !locked.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store in ", path,
                     " is in use by another process, or cannot be locked: ", locked.ToString()));
  }
  if (absl::Status opened = engine->OpenDatabase(); !opened.ok()) return opened;
  return engine;
}

DatabaseOptions Engine::DatabaseOptionsOf() const {
  DatabaseOptions options;
  options.folder = options_.path + "/db";
  options.cache_bytes = options_.cache_bytes;
  options.write_buffer_bytes = options_.write_buffer_bytes;
  options.env = options_.env;
  options.cutoffs = cutoffs_;
  return options;
}

absl::Status Engine::OpenDatabase() {
  DatabaseOptions options = DatabaseOptionsOf();
  StateValue state;
  options.create = !Database::Exists(options);
  if (!options.create) {
    // A look without touching anything: what is refused below is left as it was.
    options.read_only = true;
    absl::StatusOr<std::unique_ptr<Database>> looked_at = Database::Open(options);
    if (!looked_at.ok()) return looked_at.status();
    if (absl::Status fits = CheckIdentity(**looked_at, &state); !fits.ok()) return fits;
    options.read_only = false;
  }
  absl::StatusOr<std::unique_ptr<Database>> opened = Database::Open(options);
  if (!opened.ok()) return opened.status();
  database_ = std::move(*opened);
  if (options.create) {
    rocksdb::WriteBatch first;
    rocksdb::ColumnFamilyHandle* const meta = database_->space(StoreSpace::kMeta);
    rocksdb::WriteOptions synced;
    synced.sync = true;
    rocksdb::Status written = first.Put(meta, ToSlice(kSchemaKey), ToSlice(kStoreSchema));
    if (written.ok()) written = first.Put(meta, ToSlice(kServerKey), options_.server_name);
    if (written.ok()) written = (*database_)->Write(synced, &first);
    if (!written.ok()) {
      return absl::UnavailableError(absl::StrCat("the new store in ", options_.path,
                                                 " cannot be written: ", written.ToString()));
    }
  }
  return LoadState(state);
}

absl::Status Engine::CheckIdentity(const Database& database, StateValue* state) {
  rocksdb::ColumnFamilyHandle* const meta = database.space(StoreSpace::kMeta);
  std::string schema, server, value;
  rocksdb::Status read = database->Get({}, meta, ToSlice(kSchemaKey), &schema);
  if (read.ok()) read = database->Get({}, meta, ToSlice(kServerKey), &server);
  if (!read.ok()) {
    return absl::DataLossError(absl::StrCat(options_.path, " holds no store of this server: ",
                                            "its schema cannot be read: ", read.ToString()));
  }
  if (schema != kStoreSchema) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the store in ", options_.path, " has schema ", schema, ", this program knows ",
        std::string(kStoreSchema), ": use the version that wrote it, or a later one"));
  }
  if (server != options_.server_name) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store in ", options_.path, " belongs to the server ", server, ", not to ",
                     options_.server_name, ": change server.name or server.data_dir"));
  }
  read = database->Get({}, meta, ToSlice(kStateKey), &value);
  if (read.IsNotFound()) return absl::OkStatus();  // no message was ever kept
  const std::optional<StateValue> parsed = ParseState(value);
  if (!read.ok() || !parsed) {
    return absl::DataLossError(absl::StrCat("the position of the store in ", options_.path,
                                            " cannot be read: ", read.ToString()));
  }
  *state = *parsed;
  return absl::OkStatus();
}

absl::Status Engine::LoadState(const StateValue& state) {
  position_ = std::max(position_, state.position);
  chat_bytes_ = std::max(chat_bytes_, state.chat_bytes);
  post_bytes_ = std::max(post_bytes_, state.post_bytes);
  committed_position_.store(state.position, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status Engine::Reopen() {
  std::unique_lock lock(database_mutex_);
  EndBatch();
  database_.reset();
  absl::Status opened = OpenDatabase();
  if (opened.ok()) {
    reopened_.fetch_add(1, std::memory_order_relaxed);
    Log("the store writes again: its database was opened anew");
  } else {
    Log(absl::StrCat("the store cannot be opened anew: ", opened.message()));
  }
  return opened;
}

absl::Status Engine::Backup(const std::string& folder) {
  std::shared_lock lock(database_mutex_);
  if (database_ == nullptr) return absl::UnavailableError("the store is not open");
  rocksdb::Env* const env = EnvOf(options_);
  if (env->FileExists(folder).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(folder, " is there already"));
  }
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = env->CreateDir(folder);
  if (status.ok()) status = rocksdb::Checkpoint::Create(database_->get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder + "/db");
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the store cannot be copied to ", folder, ": ", status.ToString()));
}

void Engine::Log(std::string_view text) const {
  if (options_.log) options_.log(text);
}

void Engine::Figures(StoreFigures* figures) const {
  const auto load = [](const std::atomic<uint64_t>& figure) {
    return figure.load(std::memory_order_relaxed);
  };
  figures->commits = load(commits_);
  figures->commits_failed = load(commits_failed_);
  figures->messages_kept = load(messages_kept_);
  figures->message_bytes = load(message_bytes_kept_);
  figures->runs_kept = load(runs_kept_);
  figures->records_written = load(records_written_);
  figures->reads = load(reads_);
  figures->reads_failed = load(reads_failed_);
  figures->last_position = load(committed_position_);
  figures->chat_cutoff = load(cutoffs_->chats);
  figures->post_cutoff = load(cutoffs_->posts);
  figures->reopened = load(reopened_);
}

}  // namespace solec

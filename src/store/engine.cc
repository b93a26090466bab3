#include "store/engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "rocksdb/utilities/checkpoint.h"

namespace solec {

namespace {

constexpr size_t kBatchReserved = 1 << 20;  // grows to what a batch needs, once

rocksdb::Env* EnvOf(const EngineOptions& options) {
  return options.env != nullptr ? options.env : rocksdb::Env::Default();
}

// All tables are rewritten when what they could lose is at least an eighth of what stays.
constexpr uint64_t kCompactBytesMin = 1 << 20;
constexpr uint64_t kCompactShare = 8;

// In a backup, until it is opened as a store.
constexpr char kCopiedFile[] = "/copied";

// What a disk must take before the database is opened anew on it.
constexpr size_t kProbeBytes = 256 << 10;

// Whether there is more in a database's folder than a killed first start may have left.
bool HoldsTables(rocksdb::Env* env, const std::string& folder) {
  std::vector<std::string> names;
  env->GetChildren(folder, &names).PermitUncheckedError();
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.ends_with(".sst"); });
}

// Whether the database can be opened and says what it is.
bool HasSchema(DatabaseOptions options) {
  options.read_only = true;
  if (!Database::Exists(options)) return false;
  const absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
  std::string schema;
  return database.ok() &&
         (**database)
             ->Get({}, (*database)->space(StoreSpace::kMeta), ToSlice(kSchemaKey), &schema)
             .ok();
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
    return absl::UnavailableError(
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
  rocksdb::Env* const env = EnvOf(options_);
  const absl::StatusOr<std::optional<uint64_t>> committed = CommittedMark::Read(env, options_.path);
  if (!committed.ok()) return committed.status();
  DatabaseOptions options = DatabaseOptionsOf();
  StateValue state;
  // The mark is made when a new store is complete: without it a start that was killed is repeated.
  options.create =
      !committed->has_value() && !HoldsTables(env, options.folder) && !HasSchema(options);
  if (!options.create) {
    // A look without touching anything: what is refused here is left as it was.
    if (absl::Status looked = LookAt(options, committed->value_or(0), &state); !looked.ok()) {
      return looked;
    }
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
  if (mark_ == nullptr) {
    absl::StatusOr<std::unique_ptr<CommittedMark>> mark =
        CommittedMark::Open(env, options_.path, (*database_)->GetLatestSequenceNumber());
    if (!mark.ok()) return mark.status();
    mark_ = std::move(*mark);
  }
  if (absl::Status upgraded = Upgrade(); !upgraded.ok()) return upgraded;
  return LoadState(state);
}

// What a store of before, or a copy, needs once. Done again if it was interrupted.
absl::Status Engine::Upgrade() {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::ColumnFamilyHandle* const meta = database_->space(StoreSpace::kMeta);
  std::string schema;
  rocksdb::Status done = (*database_)->Get({}, meta, ToSlice(kSchemaKey), &schema);
  if (done.ok() && schema != kStoreSchema) {
    done = (*database_)->Put(synced, meta, ToSlice(kSchemaKey), ToSlice(kStoreSchema));
    if (done.ok()) Log("the store was upgraded to schema " + std::string(kStoreSchema));
  }
  if (!done.ok()) {
    return absl::UnavailableError(absl::StrCat("the store in ", options_.path,
                                               " cannot be upgraded: ", done.ToString()));
  }
  rocksdb::Env* const env = EnvOf(options_);
  const std::string copied = options_.path + kCopiedFile;
  if (!env->FileExists(copied).ok()) return absl::OkStatus();
  if (absl::Status forgotten = ForgetOutStreams(); !forgotten.ok()) return forgotten;
  done = env->DeleteFile(copied);
  std::unique_ptr<rocksdb::Directory> folder;
  if (done.ok()) done = env->NewDirectory(options_.path, &folder);
  if (done.ok()) done = folder->Fsync();
  if (done.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(copied, " cannot be removed: ", done.ToString()));
}

absl::Status Engine::LookAt(DatabaseOptions options, uint64_t committed, StateValue* state) {
  if (!Database::Exists(options)) {
    return absl::DataLossError(absl::StrCat("the store in ", options_.path, " lacks the file ",
                                            options.folder, "/CURRENT: restore it from a backup"));
  }
  options.read_only = true;
  const absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
  if (!database.ok()) return database.status();
  const uint64_t sequence = (**database)->GetLatestSequenceNumber();
  if (sequence >= committed) return CheckIdentity(**database, state);
  return absl::DataLossError(
      absl::StrCat("the store in ", options_.path, " has lost its last commits (it ends at ",
                   sequence, ", but ", committed, " was acknowledged; a log file in ",
                   options.folder, " is cut off or missing): restore a backup, or remove ",
                   CommittedMark::FileIn(options_.path), " to go on without them"));
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
  if (schema != kStoreSchema && schema != kStoreSchemaBefore) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the store in ", options_.path, " has schema ", schema, ", this program knows ",
        std::string(kStoreSchema), ": use the version that wrote it, or a later one"));
  }
  if (server != options_.server_name) {
    return absl::InvalidArgumentError(
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
  absl::Status loaded = LoadClock();
  EndBatch();
  return loaded;
}

absl::Status Engine::LoadClock() {
  const auto damaged = [this](std::string_view what) {
    return absl::DataLossError(absl::StrCat("the store in ", options_.path,
                                            " is damaged: ", std::string(what), " cannot be read"));
  };
  rocksdb::ColumnFamilyHandle* const meta = database_->space(StoreSpace::kMeta);
  std::string value;
  const rocksdb::Status read = (*database_)->Get({}, meta, ToSlice(kCutoffsKey), &value);
  if (!read.IsNotFound()) {
    const std::optional<CutoffsValue> cutoffs = ParseCutoffs(value);
    if (!read.ok() || !cutoffs) return damaged("the row of what retention has taken away");
    cutoffs_->chats = cutoffs->chats;
    cutoffs_->posts = cutoffs->posts;
  }
  retention_ = Retention();
  retention_.SetLimits(options_.history);
  const StoreKey begin = OwnerBegin(kClockPrefix), end = OwnerEnd(kClockPrefix);
  const rocksdb::Slice begin_slice = ToSlice(begin), end_slice = ToSlice(end);
  const std::unique_ptr<rocksdb::Iterator> rows = Scan(StoreSpace::kMeta, begin_slice, end_slice);
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const std::optional<ClockRow> row = ParseClock(ToView(rows->key()), ToView(rows->value()));
    if (!row) return damaged("a row of the clock");
    retention_.AddRow(*row);
  }
  return rows->status().ok() ? absl::OkStatus() : damaged("the clock");
}

void Engine::CancelCompaction() {
  compaction_canceled_.store(true);
}

void Engine::Compact(bool force) {
  struct Kind {
    std::atomic<uint64_t>*cut, *kept;
    uint64_t* compacted;
    std::vector<StoreSpace> spaces;
  };
  const Kind kinds[] = {
      {&chat_bytes_cut_,
       &chat_bytes_kept_,
       &chat_bytes_compacted_,
       {StoreSpace::kChats, StoreSpace::kInbox}},
      {&post_bytes_cut_, &post_bytes_kept_, &post_bytes_compacted_, {StoreSpace::kPosts}}};
  for (const Kind& kind : kinds) {
    const uint64_t cut = kind.cut->load(std::memory_order_relaxed);
    if (!force && (cut - *kind.compacted < kCompactBytesMin ||
                   (cut - *kind.compacted) * kCompactShare < kind.kept->load())) {
      continue;
    }
    for (StoreSpace space : kind.spaces) {
      std::shared_lock lock(database_mutex_);
      if (database_ == nullptr) return;
      rocksdb::CompactRangeOptions all;
      all.exclusive_manual_compaction = false;
      all.canceled = &compaction_canceled_;
      all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
      const rocksdb::Status done =
          (*database_)->CompactRange(all, database_->space(space), nullptr, nullptr);
      if (compaction_canceled_.load()) return;
      if (!done.ok()) {
        Log(absl::StrCat("old messages cannot be removed from the disk: ", done.ToString()));
        return;
      }
    }
    *kind.compacted = cut;
  }
}

absl::Status Engine::Reopen() {
  // Not before the disk takes something: the database as it is can still be read.
  rocksdb::Env* const env = EnvOf(options_);
  const std::string probe = options_.path + "/probe";
  const rocksdb::Status probed =
      rocksdb::WriteStringToFile(env, std::string(kProbeBytes, 'x'), probe, /*should_sync=*/true);
  env->DeleteFile(probe).PermitUncheckedError();
  if (!probed.ok()) {
    return absl::UnavailableError(
        absl::StrCat(options_.path, " cannot be written: ", probed.ToString()));
  }
  std::unique_lock lock(database_mutex_);
  EndBatch();
  spools_.MakeStale();
  database_.reset();
  absl::Status opened = OpenDatabase();
  if (opened.ok()) {
    reopened_.fetch_add(1, std::memory_order_relaxed);
    Log("the store writes again: its database was opened anew");
    return opened;
  }
  Log(absl::StrCat("the store cannot be opened anew: ", opened.message()));
  DatabaseOptions options = DatabaseOptionsOf();
  options.read_only = true;
  database_.reset();
  absl::StatusOr<std::unique_ptr<Database>> readable = Database::Open(options);
  if (readable.ok()) database_ = std::move(*readable);
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
  if (status.ok()) {
    status = rocksdb::WriteStringToFile(env, "", folder + kCopiedFile, /*should_sync=*/true);
  }
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
  figures->messages_spooled = load(messages_spooled_);
  figures->spool_messages_refused = load(spool_messages_refused_);
  figures->spool_messages_dropped = load(spool_messages_dropped_);
  figures->records_written = load(records_written_);
  figures->reads = load(reads_);
  figures->reads_failed = load(reads_failed_);
  figures->last_position = load(committed_position_);
  figures->chat_cutoff = load(cutoffs_->chats);
  figures->post_cutoff = load(cutoffs_->posts);
  figures->reopened = load(reopened_);
}

}  // namespace solec

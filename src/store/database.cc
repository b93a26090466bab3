#include "store/database.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "rocksdb/cache.h"
#include "rocksdb/convenience.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "store/cutoff_filter.h"

namespace solec {

namespace {

// RocksDB's own log is a file beside the data; a database that is only looked at writes none.
class SilentLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

bool HasLz4() {
  const std::vector<rocksdb::CompressionType> types = rocksdb::GetSupportedCompressions();
  return std::find(types.begin(), types.end(), rocksdb::kLZ4Compression) != types.end();
}

rocksdb::DBOptions TuneDatabase(const DatabaseOptions& options) {
  rocksdb::DBOptions tuned;
  tuned.env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  tuned.create_if_missing = options.create;
  // A store of before has no space for spools yet.
  tuned.create_missing_column_families = !options.read_only;
  // What a crash left half written at the end of the log was never answered for. Anything else
  // that is wrong with it refuses to open; a log that ends too early is found by CommittedMark.
  tuned.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  tuned.track_and_verify_wals_in_manifest = true;
  tuned.paranoid_checks = true;
  tuned.max_background_jobs = 2;
  tuned.max_open_files = 1024;
  // All spaces together. The log is bounded so that a space that is seldom written is written out
  // and does not hold back old log files.
  tuned.db_write_buffer_size = options.write_buffer_bytes;
  tuned.max_total_wal_size = 4 * options.write_buffer_bytes;
  // One thread writes: what lets many do so only costs.
  tuned.allow_concurrent_memtable_write = false;
  tuned.enable_write_thread_adaptive_yield = false;
  tuned.enable_pipelined_write = false;
  tuned.bytes_per_sync = 1 << 20;  // of tables: no bursts of dirty pages that the log waits behind
  tuned.skip_stats_update_on_db_open = true;
  tuned.stats_dump_period_sec = 0;
  tuned.stats_persist_period_sec = 0;
  tuned.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  tuned.max_log_file_size = 4 << 20;
  tuned.keep_log_file_num = 4;
  return tuned;
}

// Keys of one history, or one inbox: all but the position at their end.
class OwnerPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "solec.owner"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), key.size() - sizeof(uint64_t)};
  }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() > sizeof(uint64_t); }
};

rocksdb::ColumnFamilyOptions TuneSpace(StoreSpace space, const DatabaseOptions& options,
                                       const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions tuned;
  tuned.write_buffer_size = std::max<size_t>(options.write_buffer_bytes / 2, 64 << 10);
  tuned.max_write_buffer_number = 4;
  tuned.level_compaction_dynamic_level_bytes = true;
  // More young tables are merged at once: of runs of 16 messages 3.1 bytes are written for one that
  // is kept, the log included, and not 3.9. (Universal compaction: 3.7.)
  tuned.level0_file_num_compaction_trigger = 8;
  // Young tables are rewritten soon: only the last level, which has nearly everything, is worth
  // the processor's time.
  tuned.compression = rocksdb::kNoCompression;
  if (HasLz4()) tuned.bottommost_compression = rocksdb::kLZ4Compression;
  tuned.compaction_filter_factory = MakeCutoffFilter(space, options.cutoffs);
  if (space == StoreSpace::kChats || space == StoreSpace::kPosts || space == StoreSpace::kInbox ||
      space == StoreSpace::kSpools) {
    // Positions rise, so a key goes right behind the last one of its history; without the hint
    // the search for its place is half of what keeping a single message costs.
    tuned.memtable_insert_with_hint_prefix_extractor = std::make_shared<OwnerPrefix>();
  }
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.block_size = 16 << 10;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // within the bound of the cache
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Where single keys are looked up that may not be there: names at login, runs from the inbox.
  if (space == StoreSpace::kUsers || space == StoreSpace::kChannels ||
      space == StoreSpace::kChats) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  }
  tuned.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return tuned;
}

// What cannot be listed is found to be so when it is opened.
bool HasSpools(const rocksdb::DBOptions& tuned, const std::string& folder) {
  std::vector<std::string> names;
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(tuned, folder, &names);
  return !listed.ok() ||
         std::find(names.begin(), names.end(), StoreSpaceName(StoreSpace::kSpools)) != names.end();
}

}  // namespace

bool Database::Exists(const DatabaseOptions& options) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  return env->FileExists(options.folder + "/CURRENT").ok();
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  std::unique_ptr<Database> database(new Database);
  rocksdb::DBOptions tuned = TuneDatabase(options);
  if (options.read_only) {
    database->silent_log_ = std::make_shared<SilentLog>();
    tuned.info_log = database->silent_log_;
  }
  const std::shared_ptr<rocksdb::Cache> cache =
      rocksdb::NewLRUCache(std::max<size_t>(options.cache_bytes, 1 << 20));
  std::vector<rocksdb::ColumnFamilyDescriptor> spaces;
  for (size_t i = 0; i < kStoreSpaceCount; ++i) {
    const auto space = static_cast<StoreSpace>(i);
    if (options.read_only && space == StoreSpace::kSpools && !HasSpools(tuned, options.folder)) {
      break;
    }
    spaces.emplace_back(space == StoreSpace::kMeta ? rocksdb::kDefaultColumnFamilyName
                                                   : std::string(StoreSpaceName(space)),
                        TuneSpace(space, options, cache));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      options.read_only
          ? rocksdb::DB::OpenForReadOnly(tuned, options.folder, spaces, &database->spaces_, &db)
          : rocksdb::DB::Open(tuned, options.folder, spaces, &database->spaces_, &db);
  database->db_.reset(db);
  if (status.ok()) return database;
  const std::string text =
      absl::StrCat("the store's database in ", options.folder, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (IsNoSpace(status)) return absl::ResourceExhaustedError(text);
  return absl::FailedPreconditionError(text);
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : spaces_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close().PermitUncheckedError();
}

bool IsNoSpace(const rocksdb::Status& status) {
  return status.IsNoSpace() || status.subcode() == rocksdb::Status::SubCode::kSpaceLimit;
}

}  // namespace solec

// The disk store without its threads: what each request does to the database. Private to src/store.
//
// One thread at a time is its writer: it adds changes to a batch (Add…, Apply) and commits them
// together; nothing of a batch can be seen or is kept before. Reads may run on any thread at any
// time. Batches and pages are bounded by their callers.
//
// A position that was given out never comes again, even if its commit failed: such a commit may
// still be found on the disk later.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "rocksdb/db.h"
#include "store/committed_mark.h"
#include "store/cutoffs.h"
#include "store/database.h"
#include "store/pending_rows.h"
#include "store/received_numbers.h"
#include "store/retention.h"
#include "store/run_codec.h"
#include "store/spool_book.h"
#include "store/store.h"
#include "store/store_figures.h"
#include "store/store_request.h"

namespace solec {

struct EngineOptions {
  std::string path;         // the folder of the store; made if it is missing
  std::string server_name;  // a store belongs to one server
  uint64_t cache_bytes = 64 << 20;
  uint64_t write_buffer_bytes = 16 << 20;
  rocksdb::Env* env = nullptr;                     // not owned
  std::function<void(std::string_view text)> log;  // errors and recoveries; any thread
  std::function<uint64_t()> now_ms;                // since 1970
  HistoryLimits history;
};

// A run on its way into the database; the parts are as in DirectMessages and KeepTicket.
struct DirectRun {
  std::string_view user;
  std::string_view sender;
  Bytes frames;  // exactly `count` whole Message frames: the caller made sure
  uint64_t count = 0;
  InboxMark delivered{};
  uint64_t bytes = 0;  // InboxMark::bytes once these are kept
  bool waiting_only = false;
  ReceivedMessages received{};  // without a peer: a user of this server sent them
};

struct ChannelRun {
  std::string_view channel;
  Bytes frames;  // exactly `count` whole Message frames
  uint64_t count = 0;
  std::span<const std::string_view> peers{};
  std::span<const ReceivedMessages> received{};
};

// A run for a peer; the parts are as in OutgoingMessages.
struct OutgoingRun {
  std::string_view peer;
  std::string_view sender;
  std::string_view target;
  Bytes frames;  // exactly `count` whole Message frames
  uint64_t count = 0;
};

class Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Open(EngineOptions options);
  ~Engine();

  // --- the writer ---
  // Each fills the position of the last message. What is not kDone (a peer's row cannot be read,
  // its spool is full) changes nothing.
  StoreStatus AddDirect(const DirectRun& run, uint64_t* last_position);
  StoreStatus AddChannel(const ChannelRun& run, uint64_t* last_position);
  StoreStatus AddOutgoing(const OutgoingRun& run, uint64_t* last_position);
  StoreStatus MarkReceived(std::span<const ReceivedMessages> received);
  // A write request: what becomes of it, if the batch is committed.
  StoreStatus Apply(const StoreRequest& request);
  size_t batch_bytes() const { return batch_.GetDataSize(); }
  // Peers' rows go into the batch when it is committed.
  bool batch_empty() const { return batch_.Count() == 0 && spools_.batch().empty(); }
  // Adds to the batch what the limits of histories ask for now. They are those of the options until
  // others are set.
  void SetHistoryLimits(const HistoryLimits& limits) { retention_.SetLimits(limits); }
  void ApplyRetention();
  // Makes the batch durable. If that fails nothing of it is kept: kFull or kFailed, and the log
  // says why.
  StoreStatus Commit();
  // Of every spool, from now on.
  void SetSpoolBytesMax(uint64_t bytes) { spool_bytes_max_ = bytes; }
  // After the commit, in order of submission: what LoadPeer is answered, and who watches.
  void FinishPeerRequest(StoreRequest* request);
  // Spools whose watchers are to be told that they have grown; whoever tells one takes it off the
  // list (SpoolEntry::owes_growth).
  std::vector<SpoolEntry*>& owed_growth() { return owed_growth_; }
  // After a commit that failed: opens the database anew. RocksDB 7.8 cannot go on writing to a log
  // whose disk was full (facebook/rocksdb issue 11643). Reads wait meanwhile.
  absl::Status Reopen();

  // --- reads; any thread ---
  // Carries out a read request: fills its completion.
  void Read(StoreRequest* request);

  // A copy as of now, in a folder that must not exist yet.
  absl::Status Backup(const std::string& folder);

  uint64_t last_position() const { return committed_position_.load(std::memory_order_acquire); }
  // Rewrites the tables, without what retention has taken away since the last time, if that is
  // worth it (always: if `force`). Any thread, one at a time; it takes long.
  void Compact(bool force);
  // Ends one that is under way, and lets no other begin.
  void CancelCompaction();

  // Adds what the engine knows to the figures.
  void Figures(StoreFigures* figures) const;

 private:
  explicit Engine(EngineOptions options);

  DatabaseOptions DatabaseOptionsOf() const;
  absl::Status OpenDatabase();
  absl::Status LookAt(DatabaseOptions options, uint64_t committed, StateValue* state);
  absl::Status CheckIdentity(const Database& database, StateValue* state);
  absl::Status LoadState(const StateValue& state);
  absl::Status LoadClock();
  absl::Status Upgrade();

  // Writing (engine_write.cc).
  void AddInbox(const DirectRun& run, std::string_view packed, uint64_t count, uint64_t bytes);
  void PutChatRow(std::string_view one, std::string_view other, std::string_view packed);
  // Takes the frames of the next row off the front of `frames`; `count`: of all, then of these.
  static Bytes TakeRow(Bytes* frames, uint64_t* count);
  void PutRow(StoreSpace space, const StoreKey& key, std::string_view value);
  void DeleteRow(StoreSpace space, const StoreKey& key);
  // Whether the row is there, as of this batch; kFailed if that could not be read.
  StoreStatus FindRow(StoreSpace space, const StoreKey& key, std::string* value);
  StoreStatus ApplyToUser(const StoreRequest& request);
  StoreStatus ApplyToChannel(const StoreRequest& request);
  StoreStatus AddAccount(const StoreRequest& request);
  StoreStatus SetPassword(const StoreRequest& request);
  void AddClockRow(const StateValue& state);
  void EndBatch();

  // Peers (engine_spools.cc).
  StoreStatus OpenPeer(std::string_view peer, SpoolEntry** entry);
  StoreStatus OpenReceived(std::span<const ReceivedMessages> received);
  StoreStatus OpenSpools(std::span<const std::string_view> peers, uint64_t bytes, uint64_t count);
  bool HasSpoolRoom(const SpoolEntry& entry, uint64_t bytes) const;
  // `value.run`: packed, if it is no reference; `frames`: the same, whole.
  void PutSpoolRow(SpoolEntry* entry, const SpoolValue& value, Bytes frames);
  void Mark(const ReceivedMessages& messages);
  StoreStatus ApplyToPeer(const StoreRequest& request);
  StoreStatus TrimSpool(SpoolEntry* entry, uint64_t up_to);
  void PutPeerRows();
  absl::Status ForgetOutStreams();

  // Reading (engine_reads.cc, engine_spools.cc, history_reader.cc).
  StoreStatus ReadPeerRow(std::string_view peer, PeerValue* value);
  StoreStatus ReadSpool(std::string_view peer, uint64_t after, uint64_t bytes_max,
                        SpoolPage* page);
  // `value`, `buffer`: what the frames lie in.
  StoreStatus ReadReference(const SpoolValue& row, std::string* value, std::string* buffer,
                            Bytes* frames, bool* found);
  StoreStatus LoadUser(std::string_view name, UserRecord* user);
  StoreStatus LoadNewest(std::string_view name, uint64_t since, UserRecord* user);
  StoreStatus LoadChannel(std::string_view channel, ChannelRecord* record);
  StoreStatus List(StoreSpace space, std::string_view after, uint64_t limit,
                   std::vector<std::string>* names);
  StoreStatus ReadWaiting(std::string_view user, uint64_t after, uint64_t bytes_max,
                          WaitingPage* page);
  StoreStatus ReadHistory(const HistoryQuery& query, HistoryPage* page);
  StoreStatus LoadAccount(std::string_view name, std::string* value, uint64_t* since);
  // An iterator over the keys from `begin` to before `end`, both of which must outlive it.
  std::unique_ptr<rocksdb::Iterator> Scan(StoreSpace space, const rocksdb::Slice& begin,
                                          const rocksdb::Slice& end);
  friend class HistoryReader;

  // Reports what could not be read or is damaged; kFailed.
  StoreStatus ReadFailed(const rocksdb::Status& status, std::string_view what);
  StoreStatus Damaged(StoreSpace space, std::string_view key);
  void Log(std::string_view text) const;

  const EngineOptions options_;
  const std::shared_ptr<Cutoffs> cutoffs_ = std::make_shared<Cutoffs>();
  // Held by reads (shared) and while the database is opened anew.
  mutable std::shared_mutex database_mutex_;
  std::unique_ptr<Database> database_;
  rocksdb::FileLock* lock_ = nullptr;

  // The writer's.
  rocksdb::WriteBatch batch_;
  PendingRows pending_rows_;
  uint64_t position_ = 0;  // the last that was given out
  uint64_t batch_messages_ = 0, batch_message_bytes_ = 0, batch_runs_ = 0, batch_records_ = 0;
  uint64_t chat_bytes_ = 0, post_bytes_ = 0;  // written since the store began
  uint64_t batch_spooled_ = 0;
  StateValue batch_begin_;  // the state before the batch
  SpoolBook spools_;
  std::vector<SpoolEntry*> open_spools_;  // OpenSpools's, reused
  std::vector<SpoolEntry*> owed_growth_;
  uint64_t spool_bytes_max_ = kUnlimited;
  Retention retention_;
  CutoffsValue batch_cutoffs_;  // as of the batch; cutoffs_ holds what was committed
  std::unique_ptr<CommittedMark> mark_;
  // What compaction could drop and had dropped, in bytes as they were written.
  std::atomic<uint64_t> chat_bytes_cut_{0}, post_bytes_cut_{0}, chat_bytes_kept_{0},
      post_bytes_kept_{0};
  std::atomic<bool> compaction_canceled_{false};
  uint64_t chat_bytes_compacted_ = 0, post_bytes_compacted_ = 0;  // Compact's
  std::string value_, packed_;                                    // reused

  std::atomic<uint64_t> committed_position_{0};
  std::atomic<uint64_t> messages_kept_{0}, message_bytes_kept_{0}, runs_kept_{0},
      records_written_{0}, commits_{0}, commits_failed_{0}, reads_{0}, reads_failed_{0},
      reopened_{0}, messages_spooled_{0}, spool_messages_refused_{0}, spool_messages_dropped_{0};
};

}  // namespace solec

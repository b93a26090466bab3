#include "store/disk_store.h"

#include <sys/statvfs.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "store/disk_lane.h"
#include "store/disk_port.h"
#include "store/engine.h"
#include "store/store_writer.h"

namespace solec {

namespace {

// How often the compactor looks whether there is enough to take away.
constexpr std::chrono::minutes kCompactEvery(1);

uint64_t SystemClockMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

uint64_t FreeBytesOf(const std::string& path) {
  struct statvfs found;
  if (statvfs(path.c_str(), &found) != 0) return UINT64_MAX;
  return uint64_t{found.f_bavail} * found.f_frsize;
}

}  // namespace

std::shared_ptr<void> MakeStoreMemory() {
  return std::shared_ptr<rocksdb::Env>(rocksdb::NewMemEnv(rocksdb::Env::Default()));
}

// All that DiskStore is made of, and its threads.
class DiskStoreThreads {
 public:
  DiskStoreThreads(DiskStoreOptions options, std::unique_ptr<Engine> engine)
      : options_(std::move(options)), engine_(std::move(engine)) {
    for (uint32_t shard = 0; shard < options_.shard_count; ++shard) {
      lanes_.push_back(std::make_unique<DiskLane>());
      ports_.push_back(std::make_unique<DiskPort>(shard, lanes_.back().get(), &shared_));
    }
    StoreWriter::Options writer;
    writer.server_name = options_.server_name;
    writer.free_space_min = options_.free_space_min;
    writer.wake = options_.wake;
    writer.now_ms = options_.now_ms;
    writer.free_bytes = options_.free_bytes;
    writer.log = options_.log;
    writer.take_limits = [this] {
      std::lock_guard lock(mutex_);
      return std::exchange(new_limits_, std::nullopt);
    };
    writer_ = std::make_unique<StoreWriter>(engine_.get(), &lanes_, &shared_, std::move(writer));
  }

  ~DiskStoreThreads() {
    EndThreads(/*commit=*/false);
    for (const std::unique_ptr<DiskLane>& lane : lanes_) FreeRequests(lane.get());
  }

  void Start() {
    writer_thread_ = std::thread([this] {
      while (!stopping_.load(std::memory_order_acquire)) {
        writer_->RunCycle();
        if (writer_->was_cut_short()) continue;
        shared_.writer_bell.Wait(options_.commit_delay_ns, writer_->idle_timeout_ns());
      }
    });
    compactor_thread_ = std::thread([this] {
      std::unique_lock lock(mutex_);
      while (!stopping_.load(std::memory_order_acquire)) {
        lock.unlock();
        {
          std::lock_guard compact_lock(compact_mutex_);
          engine_->Compact(/*force=*/false);
        }
        lock.lock();
        ended_.wait_for(lock, kCompactEvery,
                        [this] { return stopping_.load(std::memory_order_acquire); });
      }
    });
    reader_thread_ = std::thread([this] {
      while (!stopping_.load(std::memory_order_acquire)) {
        RunReader();
        shared_.reader_bell.Wait(0, UINT64_MAX);
      }
    });
  }

  void SetHistoryLimits(const HistoryLimits& limits) {
    {
      std::lock_guard lock(mutex_);
      new_limits_ = limits;
    }
    shared_.writer_bell.Ring(true);
  }

  void Compact() {
    std::lock_guard lock(compact_mutex_);
    if (engine_ != nullptr) engine_->Compact(/*force=*/true);
  }

  // What is left in the rings is committed by the caller's thread, once the others are gone.
  void EndThreads(bool commit) {
    {
      std::lock_guard lock(mutex_);
      stopping_.store(true, std::memory_order_release);
    }
    ended_.notify_all();
    if (engine_ != nullptr) engine_->CancelCompaction();
    shared_.writer_bell.Ring(true);
    shared_.reader_bell.Ring(true);
    if (writer_thread_.joinable()) writer_thread_.join();
    if (reader_thread_.joinable()) reader_thread_.join();
    if (compactor_thread_.joinable()) compactor_thread_.join();
    if (!commit || engine_ == nullptr) return;
    writer_->DropCompletions();
    while (writer_->RunCycle()) {
    }
    engine_.reset();
  }

  bool RunWriter() { return writer_->RunCycle(); }

  bool RunReader() {
    StoreRequest* request = shared_.to_reader.TakeAll();
    const bool any = request != nullptr;
    while (request != nullptr) {
      StoreRequest* const next = request->next;
      const uint32_t shard = request->shard;
      engine_->Read(request);
      lanes_[shard]->read_done.Add(request);
      options_.wake(shard);
      request = next;
    }
    return any;
  }

  absl::Status Backup(const std::string& folder) { return engine_->Backup(folder); }

  StorePort* port(uint32_t shard) { return ports_[shard].get(); }

  StoreFigures figures() const {
    StoreFigures figures;
    if (engine_ != nullptr) engine_->Figures(&figures);
    writer_->Figures(&figures);
    for (const std::unique_ptr<DiskLane>& lane : lanes_) {
      figures.queue_bytes += lane->queue_bytes.load(std::memory_order_relaxed);
    }
    return figures;
  }

 private:
  // Requests that nobody will answer any more.
  static void FreeRequests(DiskLane* lane) {
    size_t size = 0;
    while (const uint8_t* record = lane->to_writer.Peek(&size)) {
      RecordHead head;
      std::memcpy(&head, record, sizeof(head));
      delete head.request;
      delete head.large;
      lane->to_writer.Pop();
    }
    while (const uint8_t* record = lane->from_writer.Peek(&size)) {
      LaneCompletion completion;
      std::memcpy(&completion, record, sizeof(completion));
      delete completion.request;
      lane->from_writer.Pop();
    }
  }

  const DiskStoreOptions options_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<DiskLane>> lanes_;
  DiskPort::Shared shared_;
  std::vector<std::unique_ptr<DiskPort>> ports_;
  std::unique_ptr<StoreWriter> writer_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // of the two below and, with ended_, of stopping_
  std::optional<HistoryLimits> new_limits_;
  std::condition_variable ended_;
  std::mutex compact_mutex_;  // one at a time
  std::thread writer_thread_, reader_thread_, compactor_thread_;
};

absl::StatusOr<std::unique_ptr<DiskStore>> DiskStore::Open(DiskStoreOptions options) {
  if (!options.now_ms) options.now_ms = SystemClockMs;
  if (!options.wake) options.wake = [](uint32_t) {};
  if (!options.log) options.log = [](std::string_view) {};
  if (!options.free_bytes) {
    if (options.in_memory) {
      options.free_bytes = [] { return UINT64_MAX; };
    } else {
      options.free_bytes = [path = options.path] { return FreeBytesOf(path); };
    }
  }
  if (options.in_memory && options.memory == nullptr) options.memory = MakeStoreMemory();
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open(
      {.path = options.path,
       .server_name = options.server_name,
       .cache_bytes = options.cache_bytes,
       .write_buffer_bytes = options.write_buffer_bytes,
       .env = options.in_memory ? static_cast<rocksdb::Env*>(options.memory.get()) : nullptr,
       .log = options.log,
       .now_ms = options.now_ms,
       .history = options.history});
  if (!engine.ok()) return engine.status();
  std::unique_ptr<DiskStore> store(new DiskStore);
  store->threads_ = std::make_unique<DiskStoreThreads>(std::move(options), std::move(*engine));
  return store;
}

DiskStore::~DiskStore() = default;

StorePort* DiskStore::port(uint32_t shard) {
  return threads_->port(shard);
}
void DiskStore::StartThreads() {
  threads_->Start();
}
bool DiskStore::RunWriter() {
  return threads_->RunWriter();
}
bool DiskStore::RunReader() {
  return threads_->RunReader();
}
void DiskStore::SetHistoryLimits(const HistoryLimits& limits) {
  threads_->SetHistoryLimits(limits);
}
void DiskStore::Compact() {
  threads_->Compact();
}
void DiskStore::Stop() {
  threads_->EndThreads(/*commit=*/true);
}
absl::Status DiskStore::Backup(const std::string& folder) {
  return threads_->Backup(folder);
}
StoreFigures DiskStore::figures() const {
  return threads_->figures();
}

}  // namespace solec

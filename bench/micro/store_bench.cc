// What keeping a message costs the store: CPU time of the whole process, RocksDB's own threads with
// it, and of the shard's part alone (`shard_ns`). Runs of messages of one sender to one user; one
// commit and one fsync for all that 100 senders handed over. In a folder of the working directory,
// which ought to be on a disk: with RocksDB's memory environment most of the time would be that
// environment's own copying.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/micro/allocation_count.h"
#include "proto/codec.h"
#include "store/disk_store.h"

namespace solec {
namespace {

constexpr int kSenders = 100;

uint64_t CpuNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Removed at the end.
class ScratchFolder {
 public:
  ScratchFolder() : path_(std::filesystem::current_path() / "store-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Pair {
  std::string sender, user, frames;
  uint64_t bytes = 0;
};

std::vector<Pair> MakePairs(int64_t run) {
  std::vector<Pair> pairs(kSenders);
  const std::string content(64, 'x');
  for (int i = 0; i < kSenders; ++i) {
    pairs[i].sender = "bench-s-" + std::to_string(i) + "@a.example";
    pairs[i].user = "bench-r-" + std::to_string(i);
    const std::string target = pairs[i].user + "@a.example";
    for (int64_t each = 0; each < run; ++each) {
      AppendFrame(Message{pairs[i].sender, target, {1}, content}, &pairs[i].frames);
    }
  }
  return pairs;
}

void BM_KeepDirect(benchmark::State& state) {
  const int64_t run = state.range(0);
  DiskStoreOptions options;
  const ScratchFolder folder;
  options.path = folder.path();
  options.server_name = "a.example";
  options.wake = [](uint32_t) {};
  options.log = [](std::string_view) {};
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(std::move(options));
  if (!store.ok()) return state.SkipWithError(std::string(store.status().message()).c_str());
  StorePort* const port = (*store)->port(0);
  int64_t kept = 0;
  bool failed = false;
  port->SetKeptHandler([&](const KeepTicket& ticket, StoreStatus status, uint64_t) {
    kept += ticket.count;
    failed = failed || status != StoreStatus::kDone;
  });
  std::vector<Pair> pairs = MakePairs(run);
  uint64_t number = 0, shard_ns = 0;
  const auto turn = [&] {
    const uint64_t begin_ns = CpuNs();
    for (Pair& pair : pairs) {
      pair.bytes += pair.frames.size();
      DirectMessages messages;
      messages.user = pair.user;
      messages.sender = pair.sender;
      messages.first = AsBytes(pair.frames);
      messages.bytes = pair.bytes;
      KeepTicket ticket;
      ticket.count = static_cast<uint32_t>(run);
      ticket.number = ++number;
      port->KeepDirect(messages, ticket);
    }
    port->Flush();
    shard_ns += CpuNs() - begin_ns;
    while ((*store)->RunWriter()) continue;
    const uint64_t poll_ns = CpuNs();
    while (port->Poll()) continue;
    shard_ns += CpuNs() - poll_ns;
  };
  for (int i = 0; i < 16; ++i) turn();
  kept = 0;
  shard_ns = 0;
  const uint64_t allocations_before = AllocationCount();
  for (auto _ : state) turn();
  const auto allocations = static_cast<double>(AllocationCount() - allocations_before);
  if (failed || kept != state.iterations() * kSenders * run) {
    return state.SkipWithError("messages were not kept");
  }
  state.SetItemsProcessed(kept);
  state.counters["shard_ns"] = static_cast<double>(shard_ns) / static_cast<double>(kept);
  state.counters["message"] = benchmark::Counter(
      static_cast<double>(kept), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["allocations"] = allocations / static_cast<double>(kept);
}
BENCHMARK(BM_KeepDirect)
    ->Name("KeepDirect")
    ->ArgName("run")
    ->Arg(1)
    ->Arg(16)
    ->Arg(64)
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace solec

#include "store/memory_spools.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/frame.h"
#include "store/received_numbers.h"

namespace solec {

namespace {

// What a run costs beyond its frames.
constexpr uint64_t kRunOverhead = 96;

uint64_t SteadyClockMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

MemorySpools::MemorySpools(uint32_t shard_count, uint64_t bytes_max,
                           std::function<void(uint32_t shard)> wake,
                           std::function<uint64_t()> now_ms)
    : wake_(std::move(wake)),
      now_ms_(now_ms ? std::move(now_ms) : SteadyClockMs),
      total_bytes_max_(bytes_max),
      watchers_(new Watcher[shard_count]) {}

MemorySpools::Spool& MemorySpools::Find(std::string_view peer) {
  auto found = spools_.find(peer);
  if (found == spools_.end()) found = spools_.try_emplace(std::string(peer)).first;
  return found->second;
}

void MemorySpools::SetBytesMax(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  bytes_max_ = bytes;
}

PeerRecord MemorySpools::Load(std::string_view peer, uint32_t shard) {
  std::lock_guard lock(mutex_);
  Spool& spool = Find(peer);
  spool.watcher = shard;
  spool.has_grown = false;
  return spool.record;
}

void MemorySpools::Forget(std::string_view peer, uint32_t shard) {
  std::lock_guard lock(mutex_);
  Spool& spool = Find(peer);
  if (spool.watcher != shard) return;  // another one watches it by now
  spool.watcher.reset();
  spool.has_grown = false;
}

void MemorySpools::SetOutStream(std::string_view peer, uint64_t stream, uint64_t base) {
  std::lock_guard lock(mutex_);
  PeerRecord& record = Find(peer).record;
  record.out_stream = stream;
  record.out_base = base;
}

void MemorySpools::SetInStream(std::string_view peer, uint64_t stream) {
  std::lock_guard lock(mutex_);
  PeerRecord& record = Find(peer).record;
  record.in_stream = stream;
  record.in_held = 0;
  record.in_early.clear();
}

bool MemorySpools::Append(std::string_view peer, Bytes first, Bytes second, uint32_t count,
                          uint32_t shard) {
  std::optional<uint32_t> to_wake;
  {
    std::lock_guard lock(mutex_);
    Spool& spool = Find(peer);
    const uint64_t bytes = first.size() + second.size() + kRunOverhead;
    if (bytes > bytes_max_ - std::min(bytes_max_, spool.record.out_bytes) ||
        bytes > total_bytes_max_ - ByteCount()) {
      return false;
    }
    spool.record.out_bytes += bytes;
    byte_count_.fetch_add(bytes, std::memory_order_relaxed);
    spool.record.out_last += count;
    Run run{spool.record.out_last, count, now_ms_(), std::string(AsString(first))};
    run.frames.append(AsString(second));
    spool.runs.push_back(std::move(run));
    if (spool.watcher && !std::exchange(spool.has_grown, true)) {
      Watcher& watcher = watchers_[*spool.watcher];
      watcher.grown.emplace_back(peer);
      if (!watcher.has_growth.exchange(true) && *spool.watcher != shard) to_wake = spool.watcher;
    }
  }
  if (to_wake) wake_(*to_wake);
  return true;
}

void MemorySpools::Mark(const ReceivedMessages& messages) {
  std::lock_guard lock(mutex_);
  PeerRecord& record = Find(messages.peer).record;
  MarkNumbers(messages.number, messages.count, &record.in_held, &record.in_early);
}

SpoolPage MemorySpools::Read(std::string_view peer, uint64_t after, size_t bytes_max) {
  SpoolPage page;
  std::lock_guard lock(mutex_);
  const Spool& spool = Find(peer);
  after = std::max(after, spool.record.out_first - 1);
  auto run = std::partition_point(spool.runs.begin(), spool.runs.end(),
                                  [after](const Run& one) { return one.last <= after; });
  if (run == spool.runs.end()) return page;
  page.first = after + 1;
  page.age_ms = now_ms_() - run->kept_ms;
  for (; run != spool.runs.end(); ++run) {
    Bytes frames = AsBytes(run->frames);
    Frame frame;
    for (uint64_t number = run->last - run->count + 1; TakeFrame(&frames, &frame); ++number) {
      if (number <= after) continue;
      if (page.count != 0 && page.frames.size() + frame.bytes.size() > bytes_max) {
        page.more = true;
        return page;
      }
      page.frames += frame.text();
      ++page.count;
    }
  }
  return page;
}

void MemorySpools::Trim(std::string_view peer, uint64_t up_to) {
  std::lock_guard lock(mutex_);
  Spool& spool = Find(peer);
  PeerRecord& record = spool.record;
  record.out_first = std::max(record.out_first, std::min(up_to, record.out_last) + 1);
  while (!spool.runs.empty() && spool.runs.front().last < record.out_first) {
    const uint64_t bytes = spool.runs.front().frames.size() + kRunOverhead;
    record.out_bytes -= bytes;
    byte_count_.fetch_sub(bytes, std::memory_order_relaxed);
    spool.runs.pop_front();
  }
}

std::vector<MemorySpools::Growth> MemorySpools::TakeGrowth(uint32_t shard) {
  std::vector<Growth> grown;
  if (!HasGrowth(shard)) return grown;
  std::lock_guard lock(mutex_);
  watchers_[shard].has_growth.store(false, std::memory_order_release);
  for (std::string& peer : std::exchange(watchers_[shard].grown, {})) {
    Spool& spool = Find(peer);
    if (spool.watcher != shard || !std::exchange(spool.has_grown, false)) continue;
    grown.push_back({std::move(peer), spool.record.out_last});
  }
  return grown;
}

}  // namespace solec

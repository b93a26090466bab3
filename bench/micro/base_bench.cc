// The containers that every message or timer goes through: mailbox ring, timers, output queue,
// histogram.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/histogram.h"
#include "base/spsc_ring.h"
#include "base/timer_wheel.h"
#include "net/output_queue.h"
#include "net/shared_bytes.h"

namespace solec {
namespace {

// --- SPSC ring ---

constexpr size_t kRecordBytes = 128;

// Both sides on one thread: the instructions alone. Argument: records published at a time.
void BM_SpscRingOneThread(benchmark::State& state) {
  SpscRing ring(1 << 16);
  uint8_t record[kRecordBytes] = {};
  const int64_t batch = state.range(0);
  for (auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) {
      std::memcpy(ring.Reserve(kRecordBytes), record, kRecordBytes);
    }
    ring.Publish();
    size_t size = 0;
    for (int64_t i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(ring.Peek(&size));
      ring.Pop();
    }
    ring.Release();
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_SpscRingOneThread)->ArgName("batch")->Arg(1)->Arg(64);

// Two threads: what the cache lines cost that go to and fro.
void BM_SpscRingTwoThreads(benchmark::State& state) {
  SpscRing ring(1 << 20);
  std::atomic<bool> done{false};
  std::thread consumer([&ring, &done] {
    size_t size = 0;
    while (!done.load(std::memory_order_relaxed)) {
      while (ring.Peek(&size) != nullptr) ring.Pop();
      ring.Release();
    }
  });
  const int64_t batch = state.range(0);
  for (auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) {
      uint8_t* at = ring.Reserve(kRecordBytes);
      while (at == nullptr) {
        ring.Publish();
        std::this_thread::yield();
        at = ring.Reserve(kRecordBytes);
      }
      std::memset(at, 1, kRecordBytes);
    }
    ring.Publish();
  }
  done = true;
  consumer.join();
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_SpscRingTwoThreads)->ArgName("batch")->Arg(1)->Arg(64)->UseRealTime();

// --- timers ---

constexpr uint64_t kSecondNs = 1'000'000'000;

// Moves one of so many timers, as a connection does that is heard of.
void BM_TimerMove(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  TimerWheel wheel(0);
  std::mt19937 random(1);
  for (uint32_t id = 0; id < count; ++id) wheel.Set(id, random() % 60 * kSecondNs);
  uint32_t id = 0;
  for (auto _ : state) {
    id = (id + 7919) % count;
    wheel.Set(id, (id % 60 + 1) * kSecondNs);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TimerMove)->ArgName("timers")->Arg(100)->Arg(1'000'000);

// Lets the time pass over a million timers that are set again when they fire. An item is a timer
// that fired.
void BM_TimerFire(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  TimerWheel wheel(0);
  std::mt19937 random(1);
  for (uint32_t id = 0; id < count; ++id) wheel.Set(id, random() % 60'000 * 1'000'000);
  uint64_t now = 0;
  int64_t fired = 0;
  for (auto _ : state) {
    now += TimerWheel::kTickNs;
    wheel.Advance(now, [&](uint32_t id) {
      ++fired;
      wheel.Set(id, now + 60 * kSecondNs);
    });
  }
  state.SetItemsProcessed(fired);
}
BENCHMARK(BM_TimerFire)->ArgName("timers")->Arg(1'000'000);

// --- output ---

// Frames copied into one connection's output, taken and given back. Argument: frames of a turn.
void BM_OutputQueueCopied(benchmark::State& state) {
  BufferPool pool;
  OutputQueue queue;
  const std::string frame(120, 'x');
  const int64_t batch = state.range(0);
  for (auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) {
      const size_t behind = static_cast<size_t>(batch - i - 1) * frame.size();
      std::memcpy(queue.Append(&pool, frame.size(), behind), frame.data(), frame.size());
    }
    Bytes slices[64];
    benchmark::DoNotOptimize(queue.BeginSend(slices, 64));
    queue.Sent(&pool, queue.byte_count());
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_OutputQueueCopied)->ArgName("batch")->Arg(1)->Arg(64);

// One batch of bytes that many connections send. An item is a connection.
void BM_OutputQueueShared(benchmark::State& state) {
  BufferPool pool;
  std::vector<OutputQueue> queues(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    SharedBytes* bytes = SharedBytes::Create(&pool, 4096);
    bytes->Grow(4096);
    for (OutputQueue& queue : queues) queue.AppendShared(&pool, bytes, 0, 4096);
    bytes->Unref();
    for (OutputQueue& queue : queues) {
      Bytes slices[64];
      benchmark::DoNotOptimize(queue.BeginSend(slices, 64));
      queue.Sent(&pool, queue.byte_count());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_OutputQueueShared)->ArgName("connections")->Arg(1000);

// --- histogram ---

void BM_HistogramRecord(benchmark::State& state) {
  Histogram histogram;
  uint64_t value = 1;
  for (auto _ : state) {
    value = value * 6364136223846793005 + 1442695040888963407;
    histogram.Record(value >> 40);
  }
  benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(BM_HistogramRecord);

}  // namespace
}  // namespace solec

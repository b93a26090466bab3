// A message's user-space cost, from the received bytes to the output that is to be sent.
#include <benchmark/benchmark.h>

#include "bench/micro/allocation_count.h"
#include "bench/micro/shard_fixture.h"

namespace solec {
namespace {

const std::string kContent(64, 'x');

std::string InFull(std::string_view name) {
  return std::string(name) + "@a.example";
}

// `count` messages of alice. In full: as they are delivered.
std::string Frames(std::string_view target, int64_t count, bool in_full) {
  std::string frames;
  const std::string full_target = InFull(target);
  const std::string full_source = InFull("alice");
  for (int64_t i = 0; i < count; ++i) {
    AppendFrame(in_full ? Message{full_source, full_target, {1}, kContent}
                        : Message{"", target, {1}, kContent},
                &frames);
  }
  return frames;
}

// Feeds alice's `frames` and runs a turn, over and over; what is counted are the `deliveries` of
// each turn, which are `sent_bytes`.
void Measure(benchmark::State& state, ShardFixture* shard, SocketId alice,
             const std::string& frames, int64_t deliveries, size_t sent_bytes) {
  const auto expected = static_cast<int64_t>(sent_bytes);
  for (int i = 0; i < 64; ++i) {  // warm: routes known, buffers pooled
    shard->Feed(alice, AsBytes(frames));
    if (shard->Turn() != expected) return state.SkipWithError("messages were lost");
  }
  const uint64_t allocations_before = AllocationCount();
  int64_t sent = 0;
  for (auto _ : state) {
    shard->Feed(alice, AsBytes(frames));
    sent += shard->Turn();
  }
  const auto allocations = static_cast<double>(AllocationCount() - allocations_before);
  const int64_t delivered = state.iterations() * deliveries;
  if (sent != state.iterations() * expected) return state.SkipWithError("messages were lost");
  state.SetItemsProcessed(delivered);
  state.counters["allocations"] = allocations / static_cast<double>(delivered);
  state.counters["delivery"] = benchmark::Counter(
      static_cast<double>(delivered), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Arguments: messages of one receive; whether addresses are in full.
void BM_DirectMessage(benchmark::State& state) {
  ShardFixture shard;
  const SocketId alice = shard.LogIn("alice");
  shard.LogIn("bob");
  const int64_t count = state.range(0);
  Measure(state, &shard, alice, Frames("bob", count, state.range(1) != 0), count,
          Frames("bob", count, true).size());
}
BENCHMARK(BM_DirectMessage)->ArgNames({"batch", "full"})->ArgsProduct({{1, 64}, {0, 1}});

// One sender writes to many, so that each message's route is another: nothing is remembered.
void BM_DirectMessageToManyTargets(benchmark::State& state) {
  ShardFixture shard;
  const SocketId alice = shard.LogIn("alice");
  std::string frames, delivered;
  for (int64_t i = 0; i < state.range(0); ++i) {
    const std::string name = "user-" + std::to_string(i);
    shard.LogIn(name);
    frames += Frames(name, 1, false);
    delivered += Frames(name, 1, true);
  }
  Measure(state, &shard, alice, frames, state.range(0), delivered.size());
}
BENCHMARK(BM_DirectMessageToManyTargets)->ArgName("targets")->Arg(64)->Arg(1024);

// Arguments: members, messages of one receive. An item is a delivery to one member.
void BM_ChannelMessage(benchmark::State& state) {
  ShardFixture shard;
  const SocketId alice = shard.LogIn("alice", "#room");
  const int64_t members = state.range(0), count = state.range(1);
  for (int64_t i = 0; i < members; ++i) shard.LogIn("member-" + std::to_string(i), "#room");
  Measure(state, &shard, alice, Frames("#room", count, false), members * count,
          static_cast<size_t>(members) * Frames("#room", count, true).size());
}
BENCHMARK(BM_ChannelMessage)->ArgNames({"members", "batch"})->ArgsProduct({{10, 1000}, {1, 64}});

}  // namespace
}  // namespace solec

BENCHMARK_MAIN();

// Spools with every shard on a thread of its own: all append to one, and one of them sends from it
// as a link does.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "store/disk_store.h"
#include "store/memory_store.h"
#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"
#include "tests/unit/store/wake.h"

namespace solec {
namespace {

using Names = std::vector<std::string>;

constexpr uint32_t kShards = 3;
constexpr uint64_t kMessages = 400;  // of each shard
constexpr std::string_view kPeer = "b.example";

class PeerThreads : public testing::Test {
 protected:
  // Keeps kMessages; the first shard also takes all that is kept, by all of them.
  void Work(uint32_t shard, StorePort* port) {
    uint64_t kept = 0, sent = 0;
    port->SetKeptHandler([&](const KeepTicket& ticket, StoreStatus status, uint64_t) {
      EXPECT_EQ(status, StoreStatus::kDone);
      kept += ticket.count;
    });
    const bool links = shard == 0;
    bool reading = false;
    uint64_t last = 0;
    const auto taken = [&] { return static_cast<uint64_t>(contents_.size()); };
    const auto take = [&](std::string_view frames) {
      const Names more = ContentsOfFrames(frames);
      contents_.insert(contents_.end(), more.begin(), more.end());
    };
    port->SetSpoolHandler([&](const SpoolGrowth& growth) {
      EXPECT_EQ(growth.peer, kPeer);
      last = std::max(last, growth.last);
      if (growth.count == 0 || growth.first != taken() + 1 || reading) return;
      take(AsString(growth.frames));
    });
    if (links) {
      port->LoadPeer(kPeer, [&](StoreCompletion& completion) {
        last = std::max(last, std::get<PeerRecord>(completion.value).out_last);
      });
    }
    const auto read = [&] {
      reading = true;
      port->ReadSpool(kPeer, taken(), 2'000, [&](StoreCompletion& completion) {
        ASSERT_EQ(completion.status, StoreStatus::kDone);
        const SpoolPage& page = std::get<SpoolPage>(completion.value);
        EXPECT_EQ(page.first, taken() + 1);
        take(page.frames);
        reading = false;
        port->TrimSpool(kPeer, taken(), [](StoreCompletion&) {});
      });
    };
    // (Nobody is woken for what TrimSpool has done: it may still be under way.)
    const auto is_done = [&] {
      return kept == kMessages && !reading && (!links || taken() == kShards * kMessages);
    };
    while (!is_done()) {
      for (int i = 0; i < 7 && sent < kMessages && port->HasRoom(); ++i) {
        const std::string frame = TestFrame("alice@a.example", "bob@b.example",
                                            std::to_string(shard) + " " + std::to_string(sent));
        KeepTicket ticket;
        ticket.kind = KeepTicket::Kind::kOutgoing;
        ticket.count = 1;
        ticket.number = ++sent;
        port->KeepOutgoing({.peer = kPeer,
                            .sender = "alice",
                            .target = "bob@b.example",
                            .first = AsBytes(frame)},
                           ticket);
      }
      if (links && !reading && last > taken()) read();
      port->Flush();
      if (port->Poll() || port->HasCompletions() || is_done()) continue;
      if (sent < kMessages && port->HasRoom()) continue;
      ASSERT_TRUE(wakes_[shard].Wait()) << "never woken";
    }
  }

  void Run(const std::function<StorePort*(uint32_t)>& port) {
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < kShards; ++i) {
      threads.emplace_back([this, i, &port] { Work(i, port(i)); });
    }
    for (std::thread& thread : threads) thread.join();
    // All of each shard's, in its order.
    uint64_t next[kShards] = {};
    for (const std::string& content : contents_) {
      const auto shard = static_cast<size_t>(content[0] - '0');
      ASSERT_EQ(content.substr(2), std::to_string(next[shard]++));
    }
  }

  Wake wakes_[kShards];
  Names contents_;  // the first shard's
};

TEST_F(PeerThreads, ALinkGetsAllOfEveryShardInOrderFromMemory) {
  MemorySpools spools(kShards, 64 << 20, [this](uint32_t shard) { wakes_[shard].Ring(); });
  std::vector<std::unique_ptr<MemoryStore>> stores;
  for (uint32_t i = 0; i < kShards; ++i) {
    stores.push_back(std::make_unique<MemoryStore>(1 << 20, &spools, i));
  }
  Run([&](uint32_t shard) { return stores[shard].get(); });
}

TEST_F(PeerThreads, ALinkGetsAllOfEveryShardInOrderFromDisk) {
  const TempFolder folder;
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  options.shard_count = kShards;
  options.free_space_min = 0;
  options.wake = [this](uint32_t shard) { wakes_[shard].Ring(); };
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  (*store)->StartThreads();
  Run([&](uint32_t shard) { return (*store)->port(shard); });
  (*store)->Stop();
}

}  // namespace
}  // namespace solec

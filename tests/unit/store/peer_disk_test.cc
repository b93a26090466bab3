// What the disk store keeps for peers, over restarts, failures and backups.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "store/database.h"
#include "store/maintenance.h"
#include "tests/unit/base/seed.h"
#include "tests/unit/store/faulty_disk.h"
#include "tests/unit/store/peer_driver.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

using Names = std::vector<std::string>;
using Driver = PeerDriver<DiskPeers>;

constexpr std::string_view kPeer = "b.example", kOther = "c.example";

// All that waits, read in pages; no number is left out.
Names ReadAll(Driver* store, std::string_view peer, size_t bytes_max = SIZE_MAX) {
  Names all;
  for (uint64_t after = store->Load(peer).out_first - 1;;) {
    const SpoolPage page = store->Read(peer, after, bytes_max);
    if (page.first == 0) {
      EXPECT_EQ(after, store->Load(peer).out_last);
      return all;
    }
    EXPECT_EQ(page.first, after + 1);
    const Names contents = ContentsOfFrames(page.frames);
    EXPECT_EQ(contents.size(), page.count);
    all.insert(all.end(), contents.begin(), contents.end());
    after += page.count;
  }
}

DiskStoreOptions OptionsIn(const TempFolder& folder) {
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.free_space_min = 0;
  return options;
}

TEST(PeerDisk, AllIsThereAfterARestart) {
  Driver store;
  store.Keep(kPeer, {"1", "2", "3"});
  store.Post("#room", {"4", "5"}, {kPeer, kOther});
  store.Run();
  store.Trim(kPeer, 2);
  store.SetOut(kPeer, 77, 1);
  store.SetIn(kPeer, 88);
  store.Received(0, {kPeer, 1, 4});
  store.Received(1, {kPeer, 7, 2});
  store.Run();
  const PeerRecord before = store.Load(kPeer);
  store.Reopen();
  const PeerRecord after = store.Load(kPeer);
  EXPECT_EQ(after.out_stream, 77u);
  EXPECT_EQ(after.out_base, 1u);
  EXPECT_EQ(after.out_first, 3u);
  EXPECT_EQ(after.out_last, 5u);
  EXPECT_EQ(after.out_bytes, before.out_bytes);
  EXPECT_EQ(after.in_stream, 88u);
  EXPECT_EQ(after.in_held, 4u);
  EXPECT_EQ(after.in_early, (std::vector<NumberRange>{{7, 8}}));
  EXPECT_EQ(ReadAll(&store, kPeer), (Names{"3", "4", "5"}));
  store.Keep(kPeer, {"6"});
  EXPECT_EQ(ReadAll(&store, kPeer), (Names{"3", "4", "5", "6"}));
  EXPECT_EQ(ReadAll(&store, kOther), (Names{"4", "5"}));
}

TEST(PeerDisk, NumbersGoOnWhereTheyWereWhenNothingIsLeftOfTheSpool) {
  Driver store;
  const std::string large(50'000, 'x');
  for (int i = 0; i < 60; ++i) store.Keep(kPeer, {large});
  EXPECT_EQ(store.Trim(kPeer, 60), StoreStatus::kDone);  // enough to be deleted
  store.Reopen();
  PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.out_first, 61u);
  EXPECT_EQ(record.out_last, 60u);
  EXPECT_EQ(record.out_bytes, 0u);
  store.Keep(kPeer, {"next"});
  EXPECT_EQ(store.Read(kPeer, 0).first, 61u);
  store.Reopen();
  EXPECT_EQ(ReadAll(&store, kPeer), (Names{"next"}));
}

// Whatever the store was doing when it was killed: what completed is there, in order, under the
// numbers that it had, and nothing else.
TEST(PeerDisk, AKillAtAnyPointLosesNothingThatCompleted) {
  const uint64_t seed = Seed(511);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  Driver store;
  Names spool;  // all that was ever committed
  uint64_t trimmed = 0;
  int content = 0;
  for (int round = 0; round < 25; ++round) {
    const size_t kept_before = store.kept[0].size();
    std::vector<Names> sent;
    const int runs = static_cast<int>(random() % 6);
    for (int i = 0; i < runs; ++i) {
      Names contents;
      for (uint64_t n = 1 + random() % 3; n > 0; --n) contents.push_back(std::to_string(++content));
      if (random() % 2 == 0) {
        store.Outgoing(0, kPeer, "alice", contents);
      } else {
        store.Post("#room", contents, {kPeer});
      }
      sent.push_back(contents);
      if (random() % 3 == 0) {
        store.port(0)->Flush();
        store.Step();
      }
    }
    store.port(0)->Poll();
    const size_t completed = store.kept[0].size() - kept_before;
    ASSERT_LE(completed, sent.size());
    const bool kills = random() % 2 == 0;
    if (!kills) store.Run();
    for (size_t i = 0; i < (kills ? completed : sent.size()); ++i) {
      spool.insert(spool.end(), sent[i].begin(), sent[i].end());
    }
    if (kills) store.Reopen();
    if (random() % 3 == 0 && trimmed < spool.size()) {
      trimmed += random() % (spool.size() - trimmed + 1);
      EXPECT_EQ(store.Trim(kPeer, trimmed), StoreStatus::kDone);
    }
    const PeerRecord record = store.Load(kPeer);
    ASSERT_EQ(record.out_last, spool.size());
    ASSERT_EQ(record.out_first, trimmed + 1);
    ASSERT_EQ(ReadAll(&store, kPeer, 1 + random() % 500),
              Names(spool.begin() + static_cast<ptrdiff_t>(trimmed), spool.end()));
  }
  EXPECT_GT(spool.size(), 20u);
}

class PeerDiskFaults : public testing::Test {
 protected:
  PeerDiskFaults() {
    DiskStoreOptions options = OptionsIn(folder_);
    options.in_memory = true;
    options.memory = FaultyDisk::EnvOf(disk_);
    store_ = std::make_unique<Driver>(options);
  }
  ~PeerDiskFaults() override { disk_->set_state(FaultyDisk::State::kWell); }

  const TempFolder folder_;
  const std::shared_ptr<FaultyDisk> disk_ = std::make_shared<FaultyDisk>();
  std::unique_ptr<Driver> store_;
};

TEST_F(PeerDiskFaults, AWriteThatFailsLeavesNoHoleAndMarksNothing) {
  store_->AddAlice();
  store_->Load(kPeer, 1);
  store_->SetIn(kPeer, 88);
  EXPECT_EQ(store_->Keep(kPeer, {"1"}), StoreStatus::kDone);
  store_->Incoming(0, kPeer, 1, {"in"});
  store_->Run();
  for (const FaultyDisk::State fault : {FaultyDisk::State::kFails, FaultyDisk::State::kFull}) {
    disk_->set_state(fault);
    store_->kept[0].clear();
    store_->grown[1].clear();
    store_->Outgoing(0, kPeer, "alice", {"refused", "refused too"});
    store_->Post("#room", {"refused"}, {kPeer}, {{kPeer, 4, 1}});
    store_->Incoming(0, kPeer, 2, {"refused"});
    store_->Received(0, {kPeer, 3, 1});
    store_->Run();
    ASSERT_EQ(store_->kept[0].size(), 4u);
    for (const auto& kept : store_->kept[0]) EXPECT_NE(kept.status, StoreStatus::kDone);
    EXPECT_TRUE(store_->grown[1].empty());
    EXPECT_NE(store_->SetOut(kPeer, 99, 0), StoreStatus::kDone);
    EXPECT_NE(store_->Trim(kPeer, 1), StoreStatus::kDone);
    EXPECT_EQ(store_->Read(kPeer, 0).count, 1u) << "reads go on";
    disk_->set_state(FaultyDisk::State::kWell);
    store_->now_ms += 2'000;
    const PeerRecord record = store_->Load(kPeer, 1);
    EXPECT_EQ(record.out_stream, 0u);
    EXPECT_EQ(record.out_last, 1u);
    EXPECT_EQ(record.out_first, 1u);
    EXPECT_EQ(record.in_held, 1u);
    EXPECT_TRUE(record.in_early.empty());
  }
  EXPECT_EQ(store_->Keep(kPeer, {"2"}), StoreStatus::kDone);
  ASSERT_EQ(store_->grown[1].size(), 1u) << "the port still watches";
  EXPECT_EQ(store_->grown[1][0].last, 2u);
  EXPECT_EQ(store_->grown[1][0].contents, (Names{"2"}));
  store_->Reopen();
  EXPECT_EQ(ReadAll(store_.get(), kPeer), (Names{"1", "2"}));
}

TEST(PeerDisk, WhatHasLeftAChannelsHistoryIsAGap) {
  Driver store;
  store.Answer([&](StoreDone done) { store.port(0)->AddChannel("#room", std::move(done)); });
  store.Keep(kPeer, {"1"});
  store.Post("#room", {"2", "3"}, {kPeer});
  store.Run();
  store.Keep(kPeer, {"4"});
  store.Post("#other", {"5"}, {kPeer});
  store.Run();
  store.Answer([&](StoreDone done) { store.port(0)->RemoveChannel("#room", std::move(done)); });
  SpoolPage page = store.Read(kPeer, 0);
  EXPECT_EQ(page.first, 1u);
  EXPECT_EQ(page.count, 1u);
  EXPECT_TRUE(page.more) << "beyond the gap";
  page = store.Read(kPeer, 1);
  EXPECT_EQ(page.first, 4u);
  EXPECT_EQ(ContentsOfFrames(page.frames), (Names{"4", "5"}));
  EXPECT_EQ(store.Load(kPeer).out_last, 5u);

  HistoryLimits limits;
  limits.channel_age_max_ms = 1'000'000;
  store.store()->SetHistoryLimits(limits);
  for (const char* content : {"not for the peer", "nor this"}) {
    store.now_ms += 10'000;
    store.Post("#other", {content}, {});
    store.Run();
  }
  store.now_ms += 10'000'000;
  store.Post("#other", {"6"}, {kPeer});
  store.Run();
  page = store.Read(kPeer, 1);
  EXPECT_EQ(ContentsOfFrames(page.frames), (Names{"4"})) << "retention";
  EXPECT_TRUE(page.more);
  page = store.Read(kPeer, 4);
  EXPECT_EQ(page.first, 6u);
  EXPECT_EQ(ContentsOfFrames(page.frames), (Names{"6"}));
}

TEST(PeerDisk, ARunThatIsLargeIsReadAndTrimmedLikeAnyOther) {
  Driver store;
  Names contents;
  for (int i = 0; i < 300; ++i) contents.push_back(std::to_string(i) + std::string(1'000, 'x'));
  store.Keep(kPeer, contents);
  store.Post("#room", contents, {kPeer});
  store.Run();
  Names both = contents;
  both.insert(both.end(), contents.begin(), contents.end());
  EXPECT_EQ(ReadAll(&store, kPeer, 10'000), both);
  for (const uint64_t up_to : {1u, 64u, 65u, 299u, 301u, 599u}) {
    EXPECT_EQ(store.Trim(kPeer, up_to), StoreStatus::kDone);
    const SpoolPage page = store.Read(kPeer, 0, 1);
    EXPECT_EQ(page.first, up_to + 1);
    EXPECT_EQ(ContentsOfFrames(page.frames), Names{both[up_to]});
  }
}

// As a shard hands over what one session wrote: call by call, with numbers that follow one another.
TEST(PeerDisk, MessagesThatFollowOneAnotherAreOneRunAndOneTicket) {
  Driver store;
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kOutgoing;
  ticket.count = 1;
  const auto keep = [&](std::string_view peer, uint64_t number, std::string_view content) {
    const std::string target = "bob@" + std::string(peer);
    const std::string frame = TestFrame("alice@a.example", target, content);
    ticket.number = number;
    store.port(0)->KeepOutgoing(
        {.peer = peer, .sender = "alice", .target = target, .first = AsBytes(frame)}, ticket);
  };
  keep(kPeer, 1, "1");
  keep(kPeer, 2, "2");
  keep(kPeer, 3, "3");
  keep(kOther, 4, "another's");
  keep(kPeer, 5, "4");
  store.Run();
  ASSERT_EQ(store.kept[0].size(), 3u);
  EXPECT_EQ(store.kept[0][0].ticket.count, 3u);
  EXPECT_EQ(store.kept[0][0].last_position, 3u);
  EXPECT_EQ(store.kept[0][1].ticket.number, 4u);
  EXPECT_EQ(store.kept[0][2].ticket.number, 5u);
  EXPECT_EQ(ReadAll(&store, kPeer), (Names{"1", "2", "3", "4"}));
  EXPECT_EQ(ReadAll(&store, kOther), (Names{"another's"}));
}

// The numbers of a peer's stream go on with the messages.
TEST(PeerDisk, ARunOfAPeersMessagesThatGrewMarksAllOfItsNumbers) {
  Driver store;
  store.AddAlice();
  for (uint64_t number = 1; number <= 5; ++number) store.Incoming(0, kPeer, number, {"x"});
  store.Incoming(0, kPeer, 9, {"x", "y"});
  store.Run();
  const PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.in_held, 5u);
  EXPECT_EQ(record.in_early, (std::vector<NumberRange>{{9, 10}}));
}

TEST(PeerDisk, BothDirectionsAreInTheChat) {
  Driver store;
  store.AddAlice();
  store.Keep(kPeer, {"to bob"});
  store.Incoming(0, kPeer, 1, {"to alice"});
  store.Run();
  store.Outgoing(0, kPeer, "alice", {"to a channel"}, "#room");
  store.Run();
  HistoryQuery query;
  query.user = "alice";
  query.with = "bob@b.example";
  query.limit = 10;
  query.bytes_max = 10'000;
  const StoreCompletion read =
      store.Answer([&](StoreDone done) { store.port(0)->ReadHistory(query, std::move(done)); });
  ASSERT_EQ(read.status, StoreStatus::kDone);
  EXPECT_EQ(ItemsOf(std::get<HistoryPage>(read.value)),
            (std::vector<TestItem>{{1, "to bob"}, {2, "to alice"}}));
  EXPECT_EQ(ReadAll(&store, kPeer), (Names{"to bob", "to a channel"}));
}

// The ring back to the shard fills up: what cannot be told now is told later, without frames.
TEST(PeerDisk, AShardThatIsBehindIsToldOfGrowthWithoutFramesAndInTheEnd) {
  Driver store;
  store.Load(kPeer, 1);
  uint64_t sent = 0;
  const std::string large(30'000, 'x');
  for (int i = 0; i < 60; ++i) {
    store.Outgoing(0, kPeer, "alice", {large});
    ++sent;
    store.port(0)->Flush();
    store.Step();
    store.port(0)->Poll();
  }
  EXPECT_TRUE(store.grown[1].empty()) << "it has not looked yet";
  store.Run();
  ASSERT_FALSE(store.grown[1].empty());
  size_t with_frames = 0;
  uint64_t last = 0;
  for (const auto& growth : store.grown[1]) {
    EXPECT_GT(growth.last, last);
    last = growth.last;
    if (growth.contents.empty()) continue;
    ++with_frames;
    EXPECT_EQ(growth.contents, Names(growth.contents.size(), large));
  }
  EXPECT_EQ(last, sent);
  EXPECT_GT(with_frames, 0u);
  EXPECT_LT(with_frames, store.grown[1].size());
  EXPECT_EQ(ReadAll(&store, kPeer).size(), sent);
}

TEST(PeerDisk, ARestoredBackupBeginsEveryStreamAnew) {
  const TempFolder folder;
  DiskStoreOptions options = OptionsIn(folder);
  const std::string backup = folder.path() + "/backup";
  {
    Driver store(options);
    store.Keep(kPeer, {"1"});
    store.SetOut(kPeer, 77, 0);
    store.SetIn(kPeer, 88);
    store.SetOut(kOther, 78, 0);
    store.Received(0, {kPeer, 1, 9});
    store.Run();
    ASSERT_TRUE(store.store()->Backup(backup).ok());
    store.Reopen();
    EXPECT_EQ(store.Load(kPeer).out_stream, 77u) << "the store itself goes on";
  }
  EXPECT_EQ(CheckStore(backup)->fault_count, 0u);
  options.path = backup;
  Driver restored(options);
  PeerRecord record = restored.Load(kPeer);
  EXPECT_EQ(record.out_stream, 0u);
  EXPECT_EQ(record.in_stream, 88u) << "what is held is held";
  EXPECT_EQ(record.in_held, 9u);
  EXPECT_EQ(ReadAll(&restored, kPeer), Names{"1"});
  EXPECT_EQ(restored.Load(kOther).out_stream, 0u);
  restored.SetOut(kPeer, 79, 0);
  restored.Reopen();
  EXPECT_EQ(restored.Load(kPeer).out_stream, 79u) << "only once";
}

// Changes an entry behind the store's back, and tells what the check says then.
Names FaultsAfter(const std::string& path, StoreSpace space, const StoreKey& key,
                  std::optional<std::string> value) {
  DatabaseOptions options;
  options.folder = path + "/db";
  options.write_buffer_bytes = 1 << 20;
  std::string before;
  const auto change = [&](const std::optional<std::string>& to) {
    const absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
    EXPECT_TRUE(database.ok()) << database.status();
    rocksdb::ColumnFamilyHandle* const handle = (*database)->space(space);
    if (before.empty()) (**database)->Get({}, handle, ToSlice(key), &before).PermitUncheckedError();
    EXPECT_TRUE((to ? (**database)->Put({}, handle, ToSlice(key), *to)
                    : (**database)->Delete({}, handle, ToSlice(key)))
                    .ok());
  };
  change(value);
  const absl::StatusOr<StoreCheck> check = CheckStore(path);
  EXPECT_TRUE(check.ok()) << check.status();
  Names said = check->faults;
  said.insert(said.end(), check->disagreements.begin(), check->disagreements.end());
  change(before);
  return said;
}

TEST(PeerDisk, EachKindOfDamageToASpoolIsFound) {
  const TempFolder folder;
  const DiskStoreOptions options = OptionsIn(folder);
  {
    Driver store(options);
    store.Keep(kPeer, {"1", "2"});
    store.Keep(kPeer, {"3"});
    store.Post("#room", {"4"}, {kPeer});
    store.Run();
    store.Keep(kPeer, {"5"});
    store.Keep(kPeer, {"6"});
    store.Trim(kPeer, 1);
  }
  const std::string& path = options.path;
  const StoreKey spool = OwnerBegin(kPeer);
  const auto row = [](uint64_t bytes_up_to, uint64_t count) {
    std::string value, frames;
    for (uint64_t i = 0; i < count; ++i) frames += TestFrame("a@a.example", "b@b.example", "x");
    PutSpoolHead(&value, {.count = count, .bytes = frames.size(), .bytes_up_to = bytes_up_to});
    return value + PlainRun(count, frames);
  };
  const auto expect = [&](StoreSpace space, const StoreKey& key, std::optional<std::string> value,
                          std::string_view wanted) {
    const Names said = FaultsAfter(path, space, key, std::move(value));
    EXPECT_TRUE(std::any_of(said.begin(), said.end(), [&](const std::string& text) {
      return text.find(wanted) != std::string::npos;
    })) << wanted << "; first: " << (said.empty() ? "nothing" : said[0]);
  };
  expect(StoreSpace::kSpools, RunKey(spool, 5), std::nullopt, "does not follow the one before");
  expect(StoreSpace::kSpools, RunKey(spool, 2), std::nullopt, "does not follow the one before");
  expect(StoreSpace::kSpools, RunKey(spool, 5), row(1'000'000, 1), "counts other bytes");
  expect(StoreSpace::kSpools, RunKey(spool, 3), "rubbish", "is no row of a spool");
  expect(StoreSpace::kMeta, PeerKey(kPeer), "rubbish", "is no peer");
  expect(StoreSpace::kPosts, RunKey(OwnerBegin("#room"), 4), std::nullopt, "that are gone");
  expect(StoreSpace::kPosts, RunKey(OwnerBegin("#room"), 4),
         PlainRun(1, TestFrame("a@a.example", "#room@a.example", "another")),
         "counts other messages");
  EXPECT_EQ(CheckStore(path)->fault_count, 0u) << "all is as it was";
}

TEST(PeerDisk, WhatWaitsForPeersIsCountedAndTakenOut) {
  const TempFolder folder;
  const DiskStoreOptions options = OptionsIn(folder);
  {
    Driver store(options);
    store.Keep(kPeer, {"1", "2"});
    store.Post("#room", {"3"}, {kPeer, kOther});
    store.Run();
    store.Trim(kPeer, 1);
    store.SetIn(kOther, 88);
    store.Received(0, {kOther, 1, 2});
    store.Run();
  }
  const absl::StatusOr<StoreStats> stats = StatStore(options.path);
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->peers, 2u);
  EXPECT_EQ(stats->spool_messages, 3u);
  EXPECT_GT(stats->spool_bytes, 150u);
  Names peers, messages;
  ExportSink sink;
  sink.peer = [&](const ExportedPeer& peer) {
    peers.push_back(std::string(peer.name) + " " + std::to_string(peer.record.out_first) + " " +
                    std::to_string(peer.record.out_last) + " " +
                    std::to_string(peer.record.in_held));
    return true;
  };
  sink.message = [&](const ExportedMessage& message) {
    if (message.kind == ExportedMessage::Kind::kSpool) {
      messages.push_back(std::string(message.one) + " " + std::to_string(message.position) + " " +
                         std::string(AsString(message.payload.last(1))));
    }
    return true;
  };
  ASSERT_TRUE(ExportStore(options.path, sink).ok());
  EXPECT_EQ(peers, (Names{"b.example 2 3 0", "c.example 1 1 2"}));
  EXPECT_EQ(messages, (Names{"b.example 2 2", "b.example 3 3", "c.example 1 3"}));
}

// As the version before left it: without spools.
void MakeStoreOfBefore(const std::string& path) {
  DatabaseOptions options;
  options.folder = path + "/db";
  options.write_buffer_bytes = 1 << 20;
  const absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
  ASSERT_TRUE(database.ok()) << database.status();
  ASSERT_TRUE((**database)->DropColumnFamily((*database)->space(StoreSpace::kSpools)).ok());
  ASSERT_TRUE((**database)
                  ->Put({}, (*database)->space(StoreSpace::kMeta), ToSlice(kSchemaKey),
                        ToSlice(kStoreSchemaBefore))
                  .ok());
}

TEST(PeerDisk, AStoreOfBeforeIsUpgradedWhenItIsOpened) {
  const TempFolder folder;
  const DiskStoreOptions options = OptionsIn(folder);
  {
    Driver store(options);
    store.AddAlice();
    store.Incoming(0, kPeer, 1, {"in"});
    store.Run();
  }
  MakeStoreOfBefore(options.path);
  EXPECT_EQ(CheckStore(options.path)->fault_count, 0u) << "it can be looked at as it is";
  EXPECT_EQ(StatStore(options.path)->schema, "1");
  Driver store(options);
  EXPECT_EQ(store.log.size(), 1u) << "which says so";
  store.Keep(kPeer, {"1"});
  EXPECT_EQ(ReadAll(&store, kPeer), Names{"1"});
  store.Reopen();
  EXPECT_EQ(store.log.size(), 1u) << "once";
  EXPECT_EQ(ReadAll(&store, kPeer), Names{"1"});
  store.Close();
  EXPECT_EQ(StatStore(options.path)->schema, kStoreSchema);
  EXPECT_EQ(StatStore(options.path)->inbox_messages, 1u);
}

}  // namespace
}  // namespace solec

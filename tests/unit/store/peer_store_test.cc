// What both stores keep for peers and from them.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/base/seed.h"
#include "tests/unit/store/peer_driver.h"

namespace solec {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view kPeer = "b.example", kOther = "c.example";

template <class Store>
class PeerStore : public testing::Test {
 protected:
  PeerDriver<Store> store_;
};

using Stores = testing::Types<MemoryPeers, DiskPeers>;
TYPED_TEST_SUITE(PeerStore, Stores);

Names ContentsOf(const SpoolPage& page) {
  Names contents = ContentsOfFrames(page.frames);
  EXPECT_EQ(contents.size(), page.count);
  return contents;
}

TYPED_TEST(PeerStore, NothingIsKnownOfAPeerAtFirst) {
  const PeerRecord record = this->store_.Load(kPeer);
  EXPECT_EQ(record.out_stream, 0u);
  EXPECT_EQ(record.out_first, 1u);
  EXPECT_EQ(record.out_last, 0u);
  EXPECT_EQ(record.out_bytes, 0u);
  EXPECT_EQ(record.in_stream, 0u);
  EXPECT_EQ(record.in_held, 0u);
  EXPECT_TRUE(record.in_early.empty());
  const SpoolPage page = this->store_.Read(kPeer, 0);
  EXPECT_EQ(page.first, 0u);
  EXPECT_EQ(page.count, 0u);
  EXPECT_FALSE(page.more);
}

TYPED_TEST(PeerStore, ASpoolIsReadInOrderInPagesOfAnySizeFromAnyNumber) {
  auto& store = this->store_;
  Names all;
  for (int run = 0; run < 6; ++run) {
    Names contents;
    for (int i = 0; i <= run; ++i) contents.push_back(std::string(30, 'x') + std::to_string(run));
    EXPECT_EQ(store.Keep(kPeer, contents), StoreStatus::kDone);
    all.insert(all.end(), contents.begin(), contents.end());
  }
  store.Keep(kOther, {"another's"});
  for (const size_t bytes_max : {size_t{1}, size_t{150}, size_t{400}, SIZE_MAX}) {
    for (size_t begin = 0; begin <= all.size(); ++begin) {
      Names read;
      for (uint64_t after = begin;;) {
        const SpoolPage page = store.Read(kPeer, after, bytes_max);
        if (page.first == 0) {
          EXPECT_EQ(page.count, 0u);
          break;
        }
        EXPECT_EQ(page.first, after + 1);
        EXPECT_GT(page.count, 0u);
        if (page.count > 1) {
          EXPECT_LE(page.frames.size(), bytes_max);
        }
        const Names contents = ContentsOf(page);
        read.insert(read.end(), contents.begin(), contents.end());
        after += page.count;
        EXPECT_EQ(page.more, after < all.size());
      }
      EXPECT_EQ(read, Names(all.begin() + static_cast<ptrdiff_t>(begin), all.end()));
    }
  }
  const PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.out_first, 1u);
  EXPECT_EQ(record.out_last, all.size());
}

TYPED_TEST(PeerStore, EveryPortAppendsToOneSpoolInItsOwnOrder) {
  auto& store = this->store_;
  for (int i = 0; i < 20; ++i) {
    store.Outgoing(0, kPeer, "alice", {"a" + std::to_string(i)});
    store.Outgoing(1, kPeer, "carol", {"c" + std::to_string(i)});
    if (i % 3 == 0) store.Run();
  }
  store.Run();
  Names from_alice, from_carol;
  for (const std::string& content : ContentsOf(store.Read(kPeer, 0))) {
    (content[0] == 'a' ? from_alice : from_carol).push_back(content.substr(1));
  }
  Names wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back(std::to_string(i));
  EXPECT_EQ(from_alice, wanted);
  EXPECT_EQ(from_carol, wanted);
  EXPECT_EQ(store.Load(kPeer, 1).out_last, 40u);
  for (const auto& kept : store.kept) {
    uint64_t last = 0;
    for (const auto& one : kept) {
      EXPECT_EQ(one.status, StoreStatus::kDone);
      EXPECT_GT(one.last_position, last);
      last = one.last_position;
    }
  }
}

TYPED_TEST(PeerStore, WhatIsTrimmedIsGoneAndItsNumbersNeverComeAgain) {
  auto& store = this->store_;
  store.Keep(kPeer, {"1", "2", "3"});
  store.Keep(kPeer, {"4", "5"});
  const uint64_t bytes = store.Load(kPeer).out_bytes;
  EXPECT_GT(bytes, 0u);
  EXPECT_EQ(store.Trim(kPeer, 2), StoreStatus::kDone);
  EXPECT_EQ(store.Load(kPeer).out_first, 3u);
  EXPECT_EQ(ContentsOf(store.Read(kPeer, 0)), (Names{"3", "4", "5"}));
  EXPECT_EQ(store.Read(kPeer, 0).first, 3u);
  EXPECT_EQ(store.Trim(kPeer, 1), StoreStatus::kDone) << "long since";
  EXPECT_EQ(store.Load(kPeer).out_first, 3u);
  store.Trim(kPeer, 3);
  EXPECT_EQ(ContentsOf(store.Read(kPeer, 0)), (Names{"4", "5"}));
  EXPECT_LT(store.Load(kPeer).out_bytes, bytes);
  EXPECT_EQ(store.Trim(kPeer, 99), StoreStatus::kDone) << "more than there is";
  PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.out_first, 6u);
  EXPECT_EQ(record.out_last, 5u);
  EXPECT_EQ(record.out_bytes, 0u);
  EXPECT_EQ(store.Read(kPeer, 0).first, 0u);
  store.Keep(kPeer, {"6"});
  EXPECT_EQ(store.Read(kPeer, 0).first, 6u);
  record = store.Load(kPeer);
  EXPECT_EQ(record.out_first, 6u);
  EXPECT_EQ(record.out_last, 6u);
}

TYPED_TEST(PeerStore, ASpoolThatIsFullRefusesAndChangesNothing) {
  auto& store = this->store_;
  store.port(0)->SetSpoolBytesMax(2'000);
  int kept = 0;
  while (kept < 100 && store.Keep(kPeer, {std::string(200, 'x')}) == StoreStatus::kDone) ++kept;
  EXPECT_GT(kept, 3);
  EXPECT_LT(kept, 10);
  EXPECT_EQ(store.kept[0].back().status, StoreStatus::kFull);
  const PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.out_last, static_cast<uint64_t>(kept));
  EXPECT_LE(record.out_bytes, 2'000u);
  EXPECT_EQ(store.Keep(kOther, {std::string(200, 'x')}), StoreStatus::kDone) << "another's";

  store.Post("#room", {std::string(200, 'x')}, {kPeer, kOther});
  store.Run();
  EXPECT_EQ(store.kept[0].back().status, StoreStatus::kDone) << "the channel is not held up";
  EXPECT_EQ(store.Load(kPeer).out_last, static_cast<uint64_t>(kept));
  EXPECT_EQ(store.Load(kOther).out_last, 2u);

  store.Trim(kPeer, 2);
  EXPECT_EQ(store.Keep(kPeer, {std::string(200, 'y')}), StoreStatus::kDone) << "room again";
  store.port(1)->SetSpoolBytesMax(1'000'000);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(store.Keep(kPeer, {"more"}), StoreStatus::kDone);
}

TYPED_TEST(PeerStore, ThePageTellsHowLongItsFirstHasWaited) {
  auto& store = this->store_;
  store.Keep(kPeer, {"old"});
  store.now_ms += 5'000;
  store.Keep(kPeer, {"new"});
  store.now_ms += 1'000;
  EXPECT_EQ(store.Read(kPeer, 0).age_ms, 6'000u);
  EXPECT_EQ(store.Read(kPeer, 1).age_ms, 1'000u);
}

TYPED_TEST(PeerStore, TheWatcherIsToldOfWhatLiesBeyondItsRecord) {
  auto& store = this->store_;
  store.Keep(kPeer, {"1"});
  EXPECT_TRUE(store.grown[0].empty()) << "nobody watches";
  EXPECT_EQ(store.Load(kPeer, 0).out_last, 1u);
  EXPECT_TRUE(store.grown[0].empty()) << "the record says it";
  store.woken.clear();
  store.Keep(kPeer, {"2", "3"}, 1);
  ASSERT_EQ(store.grown[0].size(), 1u);
  EXPECT_TRUE(store.grown[1].empty());
  EXPECT_EQ(store.grown[0][0].peer, kPeer);
  EXPECT_EQ(store.grown[0][0].last, 3u);
  EXPECT_NE(std::find(store.woken.begin(), store.woken.end(), 0u), store.woken.end());
  if (!store.grown[0][0].contents.empty()) {
    EXPECT_EQ(store.grown[0][0].contents, (Names{"2", "3"}));
    EXPECT_EQ(store.grown[0][0].first, 2u);
  }
  store.Keep(kOther, {"another's"});
  EXPECT_EQ(store.grown[0].size(), 1u);

  EXPECT_EQ(store.Load(kPeer, 1).out_last, 3u);
  store.Keep(kPeer, {"4"});
  EXPECT_EQ(store.grown[0].size(), 1u) << "another port watches now";
  ASSERT_EQ(store.grown[1].size(), 1u);
  EXPECT_EQ(store.grown[1][0].last, 4u);

  store.port(0)->ForgetPeer(kPeer);  // it does not watch any more: no harm to who does
  store.Run();
  store.Keep(kPeer, {"5"});
  EXPECT_EQ(store.grown[1].size(), 2u);
  store.port(1)->ForgetPeer(kPeer);
  store.Run();
  store.Keep(kPeer, {"6"});
  EXPECT_EQ(store.grown[1].size(), 2u);
  EXPECT_EQ(store.Load(kPeer, 1).out_last, 6u) << "all that is kept stays";
}

// Whatever is under way: the record and the growth after it leave nothing out.
TYPED_TEST(PeerStore, NoGrowthIsMissedHoweverLoadingAndKeepingMeet) {
  const uint64_t seed = Seed(501);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  // (Opening a database takes a while.)
  for (int round = TypeParam::kKeepsHistory ? 46 : 0; round < 50; ++round) {
    PeerDriver<TypeParam> store;
    uint64_t known = 0;
    bool loaded = false;
    const auto poll = [&] {
      for (uint32_t i = 0; i < kPeerPorts; ++i) store.port(i)->Flush();
      store.Step();
      for (uint32_t i = 0; i < kPeerPorts; ++i) {
        store.port(i)->Poll();
        for (const auto& growth : store.grown[i]) {
          EXPECT_EQ(i, 0u);
          EXPECT_TRUE(loaded);
          known = std::max(known, growth.last);
        }
        store.grown[i].clear();
      }
    };
    const uint64_t load_at = random() % 12;
    for (uint64_t i = 0; i < 12; ++i) {
      if (i == load_at) {
        store.port(0)->LoadPeer(kPeer, [&](StoreCompletion& completion) {
          loaded = true;
          known = std::get<PeerRecord>(completion.value).out_last;
        });
      }
      store.Outgoing(static_cast<uint32_t>(random() % 2), kPeer, "alice", {"x"});
      if (random() % 2 == 0) poll();
    }
    for (int i = 0; i < 5; ++i) poll();
    EXPECT_TRUE(loaded);
    EXPECT_EQ(known, 12u);
  }
}

TYPED_TEST(PeerStore, AChannelsBatchIsInTheSpoolOfEachPeerThatHasMembers) {
  auto& store = this->store_;
  store.Keep(kPeer, {"direct"});
  store.Load(kOther, 1);
  store.Post("#room", {"one", "two"}, {kPeer, kOther});
  store.Run();
  store.Keep(kPeer, {"direct again"});
  EXPECT_EQ(store.kept[0][1].status, StoreStatus::kDone);
  EXPECT_EQ(ContentsOf(store.Read(kPeer, 0)), (Names{"direct", "one", "two", "direct again"}));
  EXPECT_EQ(ContentsOf(store.Read(kPeer, 2)), (Names{"two", "direct again"}));
  EXPECT_EQ(ContentsOf(store.Read(kOther, 0)), (Names{"one", "two"}));
  EXPECT_EQ(ContentsOf(store.Read(kOther, 0, 1)), (Names{"one"}));
  ASSERT_EQ(store.grown[1].size(), 1u);
  EXPECT_EQ(store.grown[1][0].last, 2u);
  store.Trim(kPeer, 3);
  EXPECT_EQ(ContentsOf(store.Read(kPeer, 0)), (Names{"direct again"}));
  EXPECT_EQ(ContentsOf(store.Read(kOther, 0)), (Names{"one", "two"})) << "each by itself";
}

TYPED_TEST(PeerStore, StreamsAreAsTheyWereSet) {
  auto& store = this->store_;
  EXPECT_EQ(store.SetOut(kPeer, 77, 5), StoreStatus::kDone);
  EXPECT_EQ(store.SetIn(kPeer, 88), StoreStatus::kDone);
  store.Received(0, {kPeer, 1, 3});
  store.Received(0, {kPeer, 6, 1});
  store.Run();
  PeerRecord record = store.Load(kPeer);
  EXPECT_EQ(record.out_stream, 77u);
  EXPECT_EQ(record.out_base, 5u);
  EXPECT_EQ(record.in_stream, 88u);
  EXPECT_EQ(record.in_held, 3u);
  EXPECT_EQ(record.in_early, (std::vector<NumberRange>{{6, 6}}));
  EXPECT_EQ(store.SetIn(kPeer, 89), StoreStatus::kDone);
  record = store.Load(kPeer);
  EXPECT_EQ(record.in_stream, 89u);
  EXPECT_EQ(record.in_held, 0u) << "nothing of a new one is held";
  EXPECT_TRUE(record.in_early.empty());
  EXPECT_EQ(store.Load(kOther).in_stream, 0u);
}

// Against the plainest model there is: the set of all numbers.
TYPED_TEST(PeerStore, TheNumbersThatAreHeldAreThoseThatWereReceived) {
  const uint64_t seed = Seed(502);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  for (int round = TypeParam::kKeepsHistory ? 18 : 0; round < 20; ++round) {
    PeerDriver<TypeParam> store;
    store.AddAlice();
    std::vector<ReceivedMessages> pieces;
    uint64_t next = 1;
    for (int i = 0; i < 40; ++i) {
      const auto count = static_cast<uint32_t>(1 + random() % 4);
      pieces.push_back({kPeer, next, count});
      next += count;
    }
    // Some are far too late, and some come twice.
    std::shuffle(pieces.begin(), pieces.end(), random);
    for (int i = 0; i < 5; ++i) pieces.push_back(pieces[random() % pieces.size()]);
    std::set<uint64_t> numbers;
    for (const ReceivedMessages& piece : pieces) {
      const auto shard = static_cast<uint32_t>(random() % kPeerPorts);
      switch (random() % 3) {
        case 0:
          store.Received(shard, piece);
          break;
        case 1:
          store.Incoming(shard, kPeer, piece.number, Names(piece.count, "x"));
          // Only the first store has the user, where each has its own.
          if (!TypeParam::kKeepsHistory && shard != 0) continue;
          break;
        default:
          store.Post("#room", Names(piece.count, "x"), {}, {piece}, shard);
      }
      for (uint64_t i = 0; i < piece.count; ++i) numbers.insert(piece.number + i);
      if (random() % 4 == 0) store.Run();
      if (random() % 8 != 0) continue;
      const PeerRecord record = store.Load(kPeer);
      std::set<uint64_t> held;
      for (uint64_t n = 1; n <= record.in_held; ++n) held.insert(n);
      uint64_t last = record.in_held;
      for (const NumberRange& range : record.in_early) {
        EXPECT_GT(range.first, last + 1) << "ranges that touch are one";
        EXPECT_GE(range.last, range.first);
        for (uint64_t n = range.first; n <= range.last; ++n) held.insert(n);
        last = range.last;
      }
      ASSERT_EQ(held, numbers);
    }
  }
}

TYPED_TEST(PeerStore, AMessageThatIsRefusedIsNotHeld) {
  auto& store = this->store_;
  store.Incoming(0, kPeer, 1, {"nobody"});
  store.Run();
  if (store.kept[0].back().status == StoreStatus::kDone) return;  // a store that asks nobody
  EXPECT_EQ(store.Load(kPeer).in_held, 0u);
}

}  // namespace
}  // namespace solec

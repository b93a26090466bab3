#include "store/retention.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

constexpr uint64_t kHour = 3'600'000, kDay = 24 * kHour;

// A store in which one message of 1000 bytes is written every minute, to a chat and to a channel in
// turns, as its writer would keep the clock.
struct Minutes {
  explicit Minutes(const HistoryLimits& limits) { retention.SetLimits(limits); }

  void Pass(uint64_t count) {
    for (; count > 0; --count) {
      now_ms += 60'000;
      if (retention.IsRowDue(state, now_ms)) {
        retention.AddRow({.position = state.position,
                          .time_ms = now_ms,
                          .chat_bytes = state.chat_bytes,
                          .post_bytes = state.post_bytes});
      }
      ++state.position;
      (state.position % 2 == 0 ? state.chat_bytes : state.post_bytes) += 1'000;
      cutoffs = retention.Find(state, now_ms, cutoffs);
      const size_t rows = retention.row_count();
      const size_t taken = retention.TakeOldRows(cutoffs).size();
      EXPECT_EQ(retention.row_count(), rows - taken);
    }
  }

  Retention retention;
  StateValue state;
  uint64_t now_ms = 1'700'000'000'000;
  CutoffsValue cutoffs;
};

TEST(Retention, WithoutLimitsNothingIsTakenAway) {
  EXPECT_FALSE(Retention::IsLimited({}));
  Minutes minutes({});
  minutes.Pass(10'000);
  EXPECT_EQ(minutes.cutoffs, CutoffsValue());
  EXPECT_LE(minutes.retention.row_count(), 10'000u / 60 + 2) << "one row an hour";
}

TEST(Retention, AnAgeTakesAwayWhatIsOlderAndLittleElseStays) {
  HistoryLimits limits;
  limits.chat_age_max_ms = kDay;
  EXPECT_TRUE(Retention::IsLimited(limits));
  Minutes minutes(limits);
  minutes.Pass(23 * 60);
  EXPECT_EQ(minutes.cutoffs.chats, 0u);
  minutes.Pass(3 * 24 * 60);
  // Position p was written p minutes after the beginning.
  const uint64_t age = minutes.state.position - minutes.cutoffs.chats;
  EXPECT_GE(age, 24u * 60) << "nothing that is younger";
  EXPECT_LE(age, 24u * 60 + 24 * 60 / 100) << "within a hundredth";
  EXPECT_EQ(minutes.cutoffs.posts, 0u) << "the other kind has no limit";
  EXPECT_LE(minutes.retention.row_count(), 300u);
}

TEST(Retention, ASizeKeepsAtMostSoMuchAndNotMuchLess) {
  HistoryLimits limits;
  limits.channel_bytes_max = 100'000;
  Minutes minutes(limits);
  minutes.Pass(190);
  EXPECT_EQ(minutes.cutoffs.posts, 0u);
  minutes.Pass(5'000);
  const uint64_t kept = (minutes.state.position - minutes.cutoffs.posts) / 2 * 1'000;
  EXPECT_LE(kept, 101'000u);
  EXPECT_GE(kept, 90'000u);
  EXPECT_EQ(minutes.cutoffs.chats, 0u);
  EXPECT_LE(minutes.retention.row_count(), 100u);
}

TEST(Retention, CutoffsNeverGoBack) {
  HistoryLimits limits;
  limits.chat_age_max_ms = kHour;
  Minutes minutes(limits);
  minutes.Pass(300);
  const CutoffsValue before = minutes.cutoffs;
  EXPECT_GT(before.chats, 200u);
  limits.chat_age_max_ms = kDay;
  minutes.retention.SetLimits(limits);
  minutes.Pass(10);
  EXPECT_EQ(minutes.cutoffs, before) << "what was taken away stays away";
  minutes.now_ms -= kDay;  // a clock that is put back
  minutes.Pass(10);
  EXPECT_EQ(minutes.cutoffs, before);
}

class StoreRetention : public testing::Test {
 protected:
  StoreRetention() {
    DiskStoreOptions options;
    options.path = folder_.path() + "/store";
    options.free_space_min = 0;
    options.now_ms = [this] { return now_ms_; };
    options.history.chat_age_max_ms = kHour;
    options.history.channel_bytes_max = 200'000;
    store_ = std::make_unique<StoreDriver>(options);
    store_->AddUser("alice");
    store_->AddUser("bob");
  }

  HistoryPage Chat() {
    HistoryQuery query;
    query.user = "bob";
    query.with = "alice";
    return store_->History(query);
  }
  HistoryPage Channel() {
    HistoryQuery query;
    query.kind = HistoryQuery::Kind::kChannel;
    query.user = "bob";
    query.with = "#room";
    return store_->History(query);
  }
  uint64_t TableBytes() const {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".sst") bytes += entry.file_size();
    }
    return bytes;
  }

  const TempFolder folder_;
  uint64_t now_ms_ = 1'700'000'000'000;
  std::unique_ptr<StoreDriver> store_;
};

TEST_F(StoreRetention, OldMessagesAreGoneFromHistoriesAndInboxesAndStayGone) {
  for (int i = 0; i < 120; ++i, now_ms_ += 60'000) {
    store_->Send("alice", "bob", {std::to_string(i)});
  }
  // The last message came at 119 minutes, the clock stands at 120.
  HistoryPage page = Chat();
  EXPECT_GE(page.count, 59u);
  EXPECT_LE(page.count, 62u);
  EXPECT_EQ(ItemsOf(page).back().content, "119");
  const uint64_t first = ItemsOf(page).front().position;
  EXPECT_EQ(store_->Waiting("bob", 0).count, page.count);
  EXPECT_EQ(store_->store()->figures().chat_cutoff, first - 1);

  store_->options().history = HistoryLimits();
  store_->Reopen();
  EXPECT_EQ(ItemsOf(Chat()).front().position, first) << "whatever the limits are now";
  store_->store()->Compact();
  EXPECT_EQ(ItemsOf(Chat()).front().position, first);
  EXPECT_EQ(store_->Waiting("bob", 0).count, page.count);
}

TEST_F(StoreRetention, WhenAllHasGrownOldNothingWaits) {
  store_->Send("alice", "bob", {"1", "2"});
  now_ms_ += 60'000;
  store_->store()->RunWriter();
  EXPECT_EQ(Chat().count, 2u);
  now_ms_ += kHour;
  store_->store()->RunWriter();
  EXPECT_EQ(Chat().count, 0u);
  EXPECT_TRUE(store_->Waiting("bob", 0).frames.empty());
  for (int i = 0; i < 2; ++i) {
    const UserRecord bob = store_->User("bob");
    EXPECT_EQ(bob.delivered.position, bob.last.position);
    store_->store()->Compact();
  }
  store_->Send("alice", "bob", {"new"});
  EXPECT_EQ(ContentsOfFrames(store_->Waiting("bob", 0).frames), (std::vector<std::string>{"new"}));
}

TEST_F(StoreRetention, CompactionGivesTheRoomBack) {
  for (int i = 0; i < 100; ++i) store_->Post("alice", "#room", {std::string(20'000, 'x')});
  EXPECT_LE(Channel().count, 11u);
  EXPECT_GE(Channel().count, 8u);
  store_->store()->Compact();
  // RocksDB deletes files in a thread of its own, some of them only after the next compaction.
  for (int i = 0; i < 10 && TableBytes() > 400'000; ++i) {
    store_->Post("alice", "#room", {"x"});
    store_->store()->Compact();
  }
  EXPECT_LT(TableBytes(), 400'000u) << "of two million written";
  EXPECT_GE(Channel().count, 8u);
}

TEST_F(StoreRetention, NewLimitsHoldFromThenOn) {
  for (int i = 0; i < 9; ++i) store_->Post("alice", "#room", {std::string(20'000, 'x')});
  EXPECT_EQ(Channel().count, 9u);
  HistoryLimits limits;
  limits.channel_bytes_max = 100'000;
  store_->store()->SetHistoryLimits(limits);
  now_ms_ += 2'000;
  store_->store()->RunWriter();
  EXPECT_LE(Channel().count, 5u);
  EXPECT_GE(Channel().count, 3u);
}

}  // namespace
}  // namespace solec

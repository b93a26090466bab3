// The disk store on a disk that is full, fails or stands still.

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/unit/store/faulty_disk.h"
#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

using Names = std::vector<std::string>;

class StoreFaults : public testing::Test {
 protected:
  StoreFaults() {
    DiskStoreOptions options;
    options.path = folder_.path() + "/store";
    options.in_memory = true;
    options.memory = FaultyDisk::EnvOf(disk_);
    options.now_ms = [this] { return now_ms_; };
    options.free_bytes = [this] { return free_bytes_; };
    options.free_space_min = 1'000;
    store_ = std::make_unique<StoreDriver>(options);
    store_->AddUser("bob");
    store_->Send("alice", "bob", {"before"});
  }
  ~StoreFaults() override { disk_->set_state(FaultyDisk::State::kWell); }

  // What became of one message more.
  StoreStatus Send(std::string_view content) {
    const std::string frame = TestFrame("alice@a.example", "bob@a.example", content);
    DirectMessages messages;
    messages.user = "bob";
    messages.sender = "alice@a.example";
    messages.first = AsBytes(frame);
    messages.bytes = store_->bytes_kept("bob") + frame.size();
    KeepTicket ticket;
    ticket.count = 1;
    ticket.number = 1;
    store_->port()->KeepDirect(messages, ticket);
    store_->Run();
    const StoreStatus status = store_->kept().back().status;
    if (status == StoreStatus::kDone) store_->bytes_kept("bob") += frame.size();
    return status;
  }
  Names Waiting() { return ContentsOfFrames(store_->Waiting("bob", 0).frames); }
  // The store looks at its disk once in a second.
  void PassTime() { now_ms_ += 1'500; }

  const TempFolder folder_;
  const std::shared_ptr<FaultyDisk> disk_ = std::make_shared<FaultyDisk>();
  uint64_t now_ms_ = 1'700'000'000'000;
  uint64_t free_bytes_ = 1 << 20;
  std::unique_ptr<StoreDriver> store_;
};

TEST_F(StoreFaults, WithLittleRoomMessagesAreRefusedAndTheRestGoesOn) {
  EXPECT_FALSE(store_->port()->IsFull());
  free_bytes_ = 999;
  PassTime();
  EXPECT_EQ(Send("refused"), StoreStatus::kFull);
  EXPECT_TRUE(store_->port()->IsFull());
  EXPECT_TRUE(store_->store()->figures().full);
  EXPECT_EQ(Waiting(), (Names{"before"})) << "reads go on";
  EXPECT_EQ(store_->AddUser("carol"), StoreStatus::kDone) << "and small changes";
  free_bytes_ = 1'001;
  PassTime();
  EXPECT_EQ(Send("refused"), StoreStatus::kFull) << "not for one byte";
  free_bytes_ = 2'000;
  PassTime();
  EXPECT_EQ(Send("after"), StoreStatus::kDone);
  EXPECT_FALSE(store_->port()->IsFull());
  EXPECT_EQ(Waiting(), (Names{"before", "after"}));
  EXPECT_EQ(store_->store()->figures().messages_refused, 2u);
  EXPECT_EQ(store_->store()->figures().reopened, 0u);
}

TEST_F(StoreFaults, AFullDiskRefusesAndGoesOnByItselfOnceThereIsRoom) {
  disk_->set_state(FaultyDisk::State::kFull);
  EXPECT_EQ(Send("refused"), StoreStatus::kFull);
  EXPECT_TRUE(store_->port()->IsFull());
  EXPECT_EQ(Send("refused too"), StoreStatus::kFull);
  EXPECT_EQ(store_->AddUser("carol"), StoreStatus::kFull);
  EXPECT_EQ(Waiting(), (Names{"before"})) << "reads go on";
  PassTime();
  EXPECT_EQ(Send("still full"), StoreStatus::kFull);
  EXPECT_EQ(Waiting(), (Names{"before"})) << "reads go on, whatever was tried";

  disk_->set_state(FaultyDisk::State::kWell);
  PassTime();
  EXPECT_EQ(Send("after"), StoreStatus::kDone);
  EXPECT_FALSE(store_->port()->IsFull());
  EXPECT_GE(store_->store()->figures().reopened, 1u);
  EXPECT_EQ(store_->AddUser("carol"), StoreStatus::kDone);
  EXPECT_EQ(Waiting(), (Names{"before", "after"}));
  store_->Reopen();
  EXPECT_EQ(Waiting(), (Names{"before", "after"})) << "nothing of what was refused";
  EXPECT_FALSE(store_->log().empty());
}

TEST_F(StoreFaults, ADiskThatFailsIsToldFromAFullOneAndPositionsGoOn) {
  disk_->set_state(FaultyDisk::State::kFails);
  EXPECT_EQ(Send("failed"), StoreStatus::kFailed);
  EXPECT_FALSE(store_->port()->IsFull());
  EXPECT_TRUE(store_->store()->figures().failed);
  EXPECT_EQ(Waiting(), (Names{"before"}));
  disk_->set_state(FaultyDisk::State::kWell);
  PassTime();
  EXPECT_EQ(Send("after"), StoreStatus::kDone);
  EXPECT_FALSE(store_->store()->figures().failed);
  EXPECT_GT(store_->kept().back().last_position, 1u);
  EXPECT_EQ(Waiting(), (Names{"before", "after"}));
}

// Tables are written in the background; messages of before are not lost with them.
TEST_F(StoreFaults, ADiskThatIsFullForTablesLosesNothingThatWasAcknowledged) {
  disk_->set_suffix(".sst");
  disk_->set_state(FaultyDisk::State::kFull);
  Names sent = {"before"};
  for (int i = 0; i < 200; ++i) {
    const std::string content = std::to_string(i) + std::string(20'000, 'x');
    if (Send(content) == StoreStatus::kDone) sent.push_back(content);
  }
  EXPECT_EQ(Waiting(), sent);
  PassTime();
  Send("while it cannot be opened anew");
  EXPECT_EQ(Waiting(), sent) << "reads go on";
  disk_->set_state(FaultyDisk::State::kWell);
  for (int i = 0; i < 100 && Send("after") != StoreStatus::kDone; ++i) PassTime();
  sent.push_back("after");
  EXPECT_EQ(Waiting(), sent);
  store_->Reopen();
  EXPECT_EQ(Waiting(), sent);
}

// With threads: the shard fills what there is room for, and no more.
TEST(StoreFaultsThreads, ADiskThatStandsStillHoldsTheShardAndMemoryStaysFlat) {
  const TempFolder folder;
  const auto disk = std::make_shared<FaultyDisk>();
  std::mutex mutex;
  std::condition_variable changed;
  bool rung = false;
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  options.in_memory = true;
  options.memory = FaultyDisk::EnvOf(disk);
  options.wake = [&](uint32_t) {
    std::lock_guard lock(mutex);
    rung = true;
    changed.notify_all();
  };
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  (*store)->StartThreads();
  StorePort* const port = (*store)->port(0);
  uint64_t kept = 0, sent = 0;
  port->SetKeptHandler([&](const KeepTicket& ticket, StoreStatus status, uint64_t) {
    EXPECT_EQ(status, StoreStatus::kDone);
    kept += ticket.count;
  });
  disk->StandStill();
  const std::string frame = TestFrame("alice@a.example", "bob@a.example", std::string(5'000, 'x'));
  DirectMessages messages;
  messages.user = "bob";
  messages.sender = "alice@a.example";
  messages.first = AsBytes(frame);
  KeepTicket ticket;
  ticket.count = 1;
  const auto turn = [&] {
    for (int i = 0; i < 8 && port->HasRoom(); ++i) {
      ticket.number = ++sent;
      ticket.session = sent;
      messages.bytes += frame.size();
      port->KeepDirect(messages, ticket);
    }
    port->Flush();
    port->Poll();
  };
  for (int i = 0; i < 10'000; ++i) turn();
  EXPECT_FALSE(port->HasRoom());
  EXPECT_EQ(kept, 0u);
  EXPECT_LT(sent * frame.size(), 8u << 20) << "what is under way is bounded";
  EXPECT_LE(port->ByteCount(), 4u << 20);
  const uint64_t sent_before = sent;
  disk->GoOn();
  while (kept < sent_before) {
    {
      std::unique_lock lock(mutex);
      ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return rung; }));
      rung = false;
    }
    port->Poll();
  }
  EXPECT_TRUE(port->HasRoom());
  (*store)->Stop();
}

}  // namespace
}  // namespace solec

// The disk store with its threads, on files: what shards on threads of their own ask at the same
// time, and what a stop or a kill leaves.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/unit/base/seed.h"
#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"
#include "tests/unit/store/wake.h"

namespace solec {
namespace {

// A shard: it does as a loop does, and sleeps only until it is woken.
class FakeShard {
 public:
  FakeShard(StorePort* port, Wake* wake, uint32_t id, uint64_t seed)
      : port_(port), wake_(wake), user_("user" + std::to_string(id)), random_(seed) {
    port_->SetKeptHandler([this](const KeepTicket& ticket, StoreStatus status, uint64_t last) {
      EXPECT_EQ(status, StoreStatus::kDone);
      EXPECT_EQ(ticket.number, number_kept_ + 1) << "in order";
      EXPECT_GT(last, last_position_);
      number_kept_ += ticket.count;
      last_position_ = last;
    });
    port_->AddUser(user(), "hash", [](StoreCompletion&) {});
  }

  void Work(uint64_t message_count) {
    uint64_t turns_without_sleep = 0;
    while (number_ < message_count || !port_->IsQuiet()) {
      while (number_ < message_count && port_->HasRoom() && random_() % 40 != 0) Act();
      port_->Flush();
      if (port_->Poll()) continue;
      port_->Flush();
      // All that is under way is urgent, so every completion wakes.
      if (!port_->HasCompletions() && ++turns_without_sleep % 4 != 0 && !port_->IsQuiet()) {
        ASSERT_TRUE(wake_->Wait()) << "never woken";
      }
    }
    EXPECT_EQ(number_kept_, number_);
  }

  const std::string& user() const { return user_; }
  uint64_t number() const { return number_; }
  uint64_t bytes() const { return bytes_; }

 private:
  void Act() {
    if (random_() % 16 == 0) {
      const uint64_t sent = number_kept_;
      port_->ReadWaiting(user(), 0, 4'096, [sent](StoreCompletion& completion) {
        ASSERT_EQ(completion.status, StoreStatus::kDone);
        if (sent > 0) {
          EXPECT_GT(std::get<WaitingPage>(completion.value).count, 0u);
        }
      });
      return;
    }
    if (random_() % 16 == 0) {
      const std::string contact = "c" + std::to_string(++contacts_);
      port_->PutContact(user(), contact, true, [](StoreCompletion& completion) {
        EXPECT_EQ(completion.status, StoreStatus::kDone);
      });
      port_->LoadUser(user(), [contacts = contacts_](StoreCompletion& completion) {
        ASSERT_EQ(completion.status, StoreStatus::kDone);
        EXPECT_GE(std::get<UserRecord>(completion.value).contacts.size(), contacts);
      });
      return;
    }
    const std::string frame =
        TestFrame("alice@a.example", user() + "@a.example", std::to_string(number_));
    DirectMessages messages;
    messages.user = user();
    messages.sender = "alice@a.example";
    messages.first = AsBytes(frame).first(7);
    messages.second = AsBytes(frame).subspan(7);
    messages.bytes = bytes_ += frame.size();
    KeepTicket ticket;
    ticket.count = 1;
    ticket.number = ticket.ordinal = ++number_;
    ticket.session = random_() % 8 == 0 ? ++session_ : session_;
    port_->KeepDirect(messages, ticket);
  }

  StorePort* const port_;
  Wake* const wake_;
  const std::string user_;
  std::mt19937_64 random_;
  uint64_t number_ = 0, bytes_ = 0, session_ = 0, contacts_ = 0;
  uint64_t number_kept_ = 0, last_position_ = 0;
};

TEST(DiskStoreThreads, ManyShardsGetWhatTheyAskedInOrderAndARestartFindsItAll) {
  constexpr uint32_t kShards = 3;
  constexpr uint64_t kMessages = 5'000;
  const uint64_t seed = Seed(11);
  SCOPED_TRACE(RepeatWith(seed));
  const TempFolder folder;
  Wake wakes[kShards];
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  options.shard_count = kShards;
  options.cache_bytes = options.write_buffer_bytes = 1 << 20;
  options.free_space_min = 0;
  options.wake = [&](uint32_t shard) { wakes[shard].Ring(); };
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  (*store)->StartThreads();
  std::vector<std::unique_ptr<FakeShard>> shards;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kShards; ++i) {
    shards.push_back(std::make_unique<FakeShard>((*store)->port(i), &wakes[i], i, seed + i));
  }
  for (uint32_t i = 0; i < kShards; ++i) {
    threads.emplace_back([&, i] { shards[i]->Work(kMessages); });
  }
  for (std::thread& thread : threads) thread.join();
  const StoreFigures figures = (*store)->figures();
  EXPECT_EQ(figures.messages_kept, kShards * kMessages);
  EXPECT_EQ(figures.last_position, kShards * kMessages);
  EXPECT_EQ(figures.queue_bytes, 0u);
  EXPECT_LT(figures.commits, figures.runs_kept) << "they are committed together";
  (*store)->Stop();
  store->reset();

  DiskStoreOptions again;
  again.path = options.path;
  StoreDriver found(again);
  for (const std::unique_ptr<FakeShard>& shard : shards) {
    const std::vector<std::string> contents =
        ContentsOfFrames(found.Waiting(shard->user(), 0).frames);
    ASSERT_EQ(contents.size(), kMessages);
    for (uint64_t i = 0; i < kMessages; ++i) ASSERT_EQ(contents[i], std::to_string(i));
    EXPECT_EQ(found.User(shard->user()).last.bytes, shard->bytes());
  }
}

// What nobody waits for completes too, and the shard need not be woken for it.
TEST(DiskStoreThreads, WhatIsNotUrgentIsCommittedAllTheSame) {
  const TempFolder folder;
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  options.commit_delay_ns = 1'000'000;
  options.free_space_min = 0;
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  (*store)->StartThreads();
  StorePort* const port = (*store)->port(0);
  uint64_t kept = 0;
  port->SetKeptHandler(
      [&](const KeepTicket& ticket, StoreStatus, uint64_t) { kept += ticket.count; });
  const std::string frame = TestFrame("alice@a.example", "bob@a.example", "hello");
  DirectMessages messages;
  messages.user = "bob";
  messages.sender = "alice@a.example";
  messages.first = AsBytes(frame);
  KeepTicket ticket;
  ticket.count = 1;
  constexpr uint64_t kMessages = 1'000;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (uint64_t i = 0; i < kMessages; ++i) {
    messages.bytes += frame.size();
    ticket.ordinal = i;
    port->KeepDirect(messages, ticket);
    port->Flush();
    port->Poll();
  }
  while (kept < kMessages && std::chrono::steady_clock::now() < deadline) {
    port->Poll();
    std::this_thread::yield();
  }
  EXPECT_EQ(kept, kMessages);
  EXPECT_TRUE(port->IsQuiet());
}

TEST(DiskStoreThreads, AnotherProcessCannotOpenItMeanwhile) {
  const TempFolder folder;
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  absl::StatusOr<std::unique_ptr<DiskStore>> first = DiskStore::Open(options);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = DiskStore::Open(options).status();
  EXPECT_FALSE(second.ok());
  EXPECT_NE(second.message().find("in use"), second.message().npos) << second;
  first->reset();
  EXPECT_TRUE(DiskStore::Open(options).ok());
}

}  // namespace
}  // namespace solec

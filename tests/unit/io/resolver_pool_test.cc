#include "io/resolver_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace solec {
namespace {

// Counts how often each shard was woken, and waits for it.
class Bell {
 public:
  void Ring(uint32_t shard) {
    std::lock_guard lock(mutex_);
    ++rung_[shard];
    changed_.notify_all();
  }
  bool WaitFor(uint32_t shard, size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return rung_[shard] >= count; });
  }
  size_t rung(uint32_t shard) {
    std::lock_guard lock(mutex_);
    return rung_[shard];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t rung_[2] = {};
};

// What the threads ask, held back until the test lets it go.
class Gate {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void WaitForOne() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ != 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  size_t waiting_ = 0;
};

std::vector<ResolveAnswer> Poll(ResolverPool* pool, uint32_t shard) {
  std::vector<ResolveAnswer> answers;
  pool->Poll(shard, &answers);
  return answers;
}

TEST(ResolverPool, AnswersNumbersAtOnce) {
  Bell bell;
  ResolverPool pool(
      {.shard_count = 2, .thread_count = 0, .wake = [&](uint32_t shard) { bell.Ring(shard); }});
  EXPECT_TRUE(pool.Submit({1, 5, "192.0.2.1:7653"}));
  EXPECT_TRUE(pool.Submit({1, 6, "[::1]:7654"}));
  EXPECT_TRUE(pool.Submit({1, 7, "no port"}));
  EXPECT_EQ(bell.rung(1), 3u);
  EXPECT_TRUE(Poll(&pool, 0).empty());
  const std::vector<ResolveAnswer> answers = Poll(&pool, 1);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].ticket, 5u);
  EXPECT_EQ(FormatNetAddress(answers[0].addresses.at(0)), "192.0.2.1:7653");
  EXPECT_EQ(FormatNetAddress(answers[1].addresses.at(0)), "[::1]:7654");
  EXPECT_TRUE(answers[2].addresses.empty());
  EXPECT_EQ(answers[2].error, "no port: no port");
  EXPECT_TRUE(Poll(&pool, 1).empty());
}

TEST(ResolverPool, AsksTheSystemForNames) {
  Bell bell;
  ResolverPool pool({.wake = [&](uint32_t shard) { bell.Ring(shard); }});
  ASSERT_TRUE(pool.Submit({0, 1, "localhost:7653"}));
  ASSERT_TRUE(bell.WaitFor(0, 1));
  const std::vector<ResolveAnswer> answers = Poll(&pool, 0);
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_FALSE(answers[0].addresses.empty()) << answers[0].error;
  for (const NetAddress& address : answers[0].addresses) {
    const std::string text = FormatNetAddress(address);
    EXPECT_TRUE(text == "127.0.0.1:7653" || text == "[::1]:7653") << text;
  }
}

TEST(ResolverPool, TellsEachShardItsOwnAnswers) {
  Bell bell;
  ResolverPool pool({.shard_count = 2,
                     .wake = [&](uint32_t shard) { bell.Ring(shard); },
                     .look_up =
                         [](const HostAndPort& where) {
                           return ResolveAnswer{0, {}, std::string(where.host)};
                         }});
  ASSERT_TRUE(pool.Submit({0, 1, "zero.example:1"}));
  ASSERT_TRUE(pool.Submit({1, 2, "one.example:1"}));
  ASSERT_TRUE(bell.WaitFor(0, 1) && bell.WaitFor(1, 1));
  EXPECT_EQ(Poll(&pool, 0).at(0).error, "zero.example");
  EXPECT_EQ(Poll(&pool, 1).at(0).error, "one.example");
}

TEST(ResolverPool, TakesNoMoreThanItsQueueHoldsAndIsNotHeldUpByAThreadThatHangs) {
  Bell bell;
  const auto gate = std::make_shared<Gate>();
  {
    ResolverPool pool({.thread_count = 1,
                       .queue_max = 2,
                       .wake = [&](uint32_t shard) { bell.Ring(shard); },
                       .look_up =
                           [gate](const HostAndPort&) {
                             gate->Pass();
                             return ResolveAnswer{};
                           }});
    ASSERT_TRUE(pool.Submit({0, 1, "hangs.example:1"}));
    gate->WaitForOne();
    EXPECT_TRUE(pool.Submit({0, 2, "b.example:1"}));
    EXPECT_TRUE(pool.Submit({0, 3, "b.example:1"}));
    EXPECT_FALSE(pool.Submit({0, 4, "b.example:1"}));
    EXPECT_TRUE(pool.Submit({0, 5, "192.0.2.1:1"}));  // needs no thread
    EXPECT_EQ(bell.rung(0), 1u);
  }
  gate->Open();  // the pool is gone already: its thread wakes nobody
  EXPECT_EQ(bell.rung(0), 1u);
}

}  // namespace
}  // namespace solec

#include "store/password_pool.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

namespace solec {
namespace {

// The least that argon2id takes: a test of ours is not a test of libsodium.
constexpr uint64_t kMemory = 8'192, kPasses = 1;

// Collects verdicts of all shards, and lets a test wait for so many of them.
class Woken {
 public:
  void Wake(uint32_t shard) {
    std::lock_guard lock(mutex_);
    ++count_by_shard_[shard];
    ++count_;
    changed_.notify_all();
  }
  // False after a minute: the test fails rather than hangs.
  bool WaitFor(uint64_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return count_ >= count; });
  }
  uint64_t count_of(uint32_t shard) {
    std::lock_guard lock(mutex_);
    return count_by_shard_[shard];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t count_ = 0;
  std::map<uint32_t, uint64_t> count_by_shard_;
};

PasswordPool::Options OptionsFor(Woken* woken) {
  PasswordPool::Options options;
  options.memory_bytes = kMemory;
  options.passes = kPasses;
  options.wake = [woken](uint32_t shard) { woken->Wake(shard); };
  return options;
}

PasswordCheck Check(uint64_t ticket, std::string hash, std::string password, uint32_t shard = 0) {
  return {
      .shard = shard, .ticket = ticket, .hash = std::move(hash), .password = std::move(password)};
}

std::map<uint64_t, bool> Verdicts(PasswordPool* pool, uint32_t shard = 0) {
  std::vector<PasswordVerdict> verdicts;
  pool->Poll(shard, &verdicts);
  std::map<uint64_t, bool> by_ticket;
  for (const PasswordVerdict& verdict : verdicts) by_ticket[verdict.ticket] = verdict.matches;
  return by_ticket;
}

TEST(HashPassword, IsArgon2idWithASaltOfItsOwn) {
  const std::string first = HashPassword("secret", kMemory, kPasses);
  EXPECT_TRUE(first.starts_with("$argon2id$")) << first;
  EXPECT_NE(first, HashPassword("secret", kMemory, kPasses));
}

TEST(HashPassword, IsEmptyIfItCannotBeMade) {
  EXPECT_EQ(HashPassword("secret", 1, kPasses), "") << "less memory than argon2id takes";
}

TEST(PasswordPool, TellsRightFromWrongAndUnknown) {
  Woken woken;
  PasswordPool pool(OptionsFor(&woken));
  const std::string hash = HashPassword("secret", kMemory, kPasses);
  const std::string zeros("a\0b", 3);
  ASSERT_TRUE(pool.Submit(Check(1, hash, "secret")));
  ASSERT_TRUE(pool.Submit(Check(2, hash, "Secret")));
  ASSERT_TRUE(pool.Submit(Check(3, hash, "")));
  ASSERT_TRUE(pool.Submit(Check(4, "", "secret")));
  ASSERT_TRUE(pool.Submit(Check(5, "", "")));  // what the hash of unknown names was made from
  ASSERT_TRUE(pool.Submit(Check(6, "not a hash", "secret")));
  ASSERT_TRUE(pool.Submit(Check(7, HashPassword("", kMemory, kPasses), "")));
  ASSERT_TRUE(pool.Submit(Check(8, HashPassword(zeros, kMemory, kPasses), zeros)));
  ASSERT_TRUE(pool.Submit(Check(9, HashPassword(zeros, kMemory, kPasses), "a")));
  ASSERT_TRUE(woken.WaitFor(9));
  const std::map<uint64_t, bool> expected = {{1, true},  {2, false}, {3, false},
                                             {4, false}, {5, false}, {6, false},
                                             {7, true},  {8, true},  {9, false}};
  EXPECT_EQ(Verdicts(&pool), expected);
  EXPECT_TRUE(Verdicts(&pool).empty()) << "each comes once";
}

TEST(PasswordPool, VerdictsGoToTheShardThatAsked) {
  constexpr uint32_t kShards = 4, kEach = 8;
  Woken woken;
  PasswordPool::Options options = OptionsFor(&woken);
  options.shard_count = kShards;
  options.worker_count = 2;
  PasswordPool pool(std::move(options));
  const std::string hash = HashPassword("secret", kMemory, kPasses);
  for (uint32_t i = 0; i < kShards * kEach; ++i) {
    const uint32_t shard = i % kShards;
    ASSERT_TRUE(pool.Submit(
        Check(100 * shard + i / kShards, hash, i / kShards % 2 == 0 ? "secret" : "wrong", shard)));
  }
  ASSERT_TRUE(woken.WaitFor(kShards * kEach));
  for (uint32_t shard = 0; shard < kShards; ++shard) {
    EXPECT_EQ(woken.count_of(shard), kEach);
    std::map<uint64_t, bool> expected;
    for (uint32_t i = 0; i < kEach; ++i) expected[100 * shard + i] = i % 2 == 0;
    EXPECT_EQ(Verdicts(&pool, shard), expected) << "shard " << shard;
  }
}

TEST(PasswordPool, AFullQueueRefusesAndTakesNothing) {
  Woken woken;
  // The only worker stands still in its first wake-up until the gate opens.
  std::mutex mutex;
  std::condition_variable changed;
  bool standing = false, open = false;
  PasswordPool::Options options = OptionsFor(&woken);
  options.queue_max = 3;
  options.wake = [&](uint32_t shard) {
    std::unique_lock lock(mutex);
    standing = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    lock.unlock();
    woken.Wake(shard);
  };
  PasswordPool pool(std::move(options));
  const auto open_gate = [&] {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  };
  bool stands = false;
  EXPECT_TRUE(pool.Submit(Check(0, "", "x")));
  {
    std::unique_lock lock(mutex);
    stands = changed.wait_for(lock, std::chrono::minutes(1), [&] { return standing; });
  }
  EXPECT_TRUE(stands);
  for (uint64_t ticket = 1; ticket <= 3; ++ticket) EXPECT_TRUE(pool.Submit(Check(ticket, "", "x")));
  EXPECT_FALSE(pool.Submit(Check(4, "", "x")));
  EXPECT_FALSE(pool.Submit(Check(5, "", "x")));
  open_gate();
  ASSERT_TRUE(woken.WaitFor(4));
  const std::map<uint64_t, bool> expected = {{0, false}, {1, false}, {2, false}, {3, false}};
  EXPECT_EQ(Verdicts(&pool), expected);
  EXPECT_TRUE(pool.Submit(Check(6, "", "x")));
  EXPECT_TRUE(woken.WaitFor(5));
}

TEST(PasswordPool, EndsWhileChecksStillWait) {
  Woken woken;
  PasswordPool pool(OptionsFor(&woken));
  for (uint64_t ticket = 0; ticket < 100; ++ticket)
    ASSERT_TRUE(pool.Submit(Check(ticket, "", "x")));
}

}  // namespace
}  // namespace solec

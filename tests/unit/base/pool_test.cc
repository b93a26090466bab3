#include "base/pool.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

struct Counted {
  explicit Counted(int* alive_count, int number) : alive(alive_count), value(number) { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
  int value;
};

TEST(Pool, TheDefaultHandleNamesNothing) {
  Pool<int> pool;
  EXPECT_FALSE(Handle<int>().valid());
  EXPECT_EQ(pool.Get({}), nullptr);
  pool.Create(1);
  EXPECT_EQ(pool.Get({}), nullptr);
}

TEST(Pool, AHandleOutlivedByItsSlotNamesNothing) {
  Pool<int> pool;
  const Handle<int> old = pool.Create(1);
  pool.Destroy(old);
  const Handle<int> reused = pool.Create(2);
  EXPECT_EQ(reused.index, old.index);
  EXPECT_FALSE(reused == old);
  EXPECT_EQ(pool.Get(old), nullptr);
  EXPECT_EQ(*pool.Get(reused), 2);
}

TEST(Pool, AHandleOfASlotThatWasNeverMadeNamesNothing) {
  Pool<int> pool;
  pool.Create(1);
  EXPECT_EQ(pool.Get({.index = 1'000'000, .generation = 0}), nullptr);
  EXPECT_EQ(pool.Get({.index = 1, .generation = 0}), nullptr) << "a slot that is free";
}

TEST(Pool, AddressesStayWhenThePoolGrows) {
  Pool<int> pool;
  const Handle<int> first = pool.Create(7);
  int* const address = pool.Get(first);
  for (int i = 0; i < 10'000; ++i) pool.Create(i);
  EXPECT_EQ(pool.Get(first), address);
  EXPECT_EQ(*address, 7);
}

TEST(Pool, DestroysWhatIsLeftWhenItEnds) {
  int alive = 0;
  {
    Pool<Counted> pool;
    for (int i = 0; i < 300; ++i) pool.Create(&alive, i);
    pool.Destroy({.index = 17, .generation = 0});
    EXPECT_EQ(alive, 299);
    EXPECT_EQ(pool.used_count(), 299u);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Pool, ForEachShowsAllInOrderOfIndexAndLetsThemBeDestroyed) {
  int alive = 0;
  Pool<Counted> pool;
  for (int i = 0; i < 500; ++i) pool.Create(&alive, i);
  uint32_t next = 0;
  pool.ForEach([&](Handle<Counted> handle, Counted& object) {
    EXPECT_EQ(handle.index, next++);
    EXPECT_EQ(pool.Get(handle), &object);
    if (object.value % 2 == 0) pool.Destroy(handle);
  });
  EXPECT_EQ(next, 500u);
  EXPECT_EQ(alive, 250);
}

TEST(Pool, AgreesWithAMapUnderRandomUse) {
  const uint64_t seed = Seed(3);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  int alive = 0;
  Pool<Counted> pool;
  std::map<std::pair<uint32_t, uint32_t>, int> model;
  std::vector<Handle<Counted>> gone;
  for (int step = 0; step < 50'000; ++step) {
    if (model.empty() || random() % 100 < 52) {
      const Handle<Counted> handle = pool.Create(&alive, step);
      ASSERT_TRUE(model.emplace(std::pair(handle.index, handle.generation), step).second);
    } else {
      auto chosen = model.lower_bound({static_cast<uint32_t>(random() % 4'000), 0});
      if (chosen == model.end()) chosen = model.begin();
      const Handle<Counted> handle{chosen->first.first, chosen->first.second};
      ASSERT_EQ(pool.Get(handle)->value, chosen->second);
      pool.Destroy(handle);
      gone.push_back(handle);
      model.erase(chosen);
    }
    ASSERT_EQ(pool.used_count(), model.size());
    if (!gone.empty()) {
      ASSERT_EQ(pool.Get(gone[random() % gone.size()]), nullptr);
    }
  }
  EXPECT_EQ(static_cast<size_t>(alive), model.size());
}

TEST(PoolDeathTest, DestroyingTwiceIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Pool<int> pool;
  const Handle<int> handle = pool.Create(1);
  pool.Destroy(handle);
  EXPECT_DEATH(pool.Destroy(handle), "object != nullptr");
}

}  // namespace
}  // namespace solec

#include "base/spsc_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

constexpr size_t kCapacity = 4'096;

bool Put(SpscRing* ring, std::string_view record) {
  uint8_t* const at = ring->Reserve(record.size());
  if (at == nullptr) return false;
  if (!record.empty()) std::memcpy(at, record.data(), record.size());
  return true;
}

std::string Take(SpscRing* ring) {
  size_t size = 0;
  const uint8_t* const at = ring->Peek(&size);
  if (at == nullptr) return "(none)";
  std::string record(reinterpret_cast<const char*>(at), size);
  ring->Pop();
  return record;
}

TEST(SpscRing, ShowsNothingBeforePublish) {
  SpscRing ring(kCapacity);
  size_t size = 0;
  EXPECT_FALSE(ring.Publish());
  EXPECT_TRUE(Put(&ring, "one"));
  EXPECT_EQ(ring.Peek(&size), nullptr);
  EXPECT_FALSE(ring.HasPublished());
  EXPECT_TRUE(ring.Publish());
  EXPECT_TRUE(ring.HasPublished());
  EXPECT_FALSE(ring.Publish()) << "nothing new";
  EXPECT_EQ(Take(&ring), "one");
  EXPECT_FALSE(ring.HasPublished());
}

TEST(SpscRing, KeepsOrderAndBytesOfEverySizeUpToTheLargest) {
  SpscRing ring(kCapacity);
  for (size_t size = 0; size <= ring.record_bytes_max(); ++size) {
    const std::string record(size, static_cast<char>(size * 7));
    ASSERT_TRUE(Put(&ring, record)) << size;
    ASSERT_TRUE(ring.Publish());
    ASSERT_EQ(Take(&ring), record) << size;
    ASSERT_TRUE(ring.Release());
  }
}

bool Extend(SpscRing* ring, std::string_view more) {
  uint8_t* const at = ring->Extend(more.size());
  if (at == nullptr) return false;
  std::memcpy(at, more.data(), more.size());
  return true;
}

TEST(SpscRing, ExtendsOnlyTheLastRecordThatIsNotPublished) {
  SpscRing ring(kCapacity);
  EXPECT_FALSE(Extend(&ring, "nothing to extend"));
  EXPECT_TRUE(Put(&ring, "one"));
  EXPECT_TRUE(Put(&ring, "two"));
  EXPECT_TRUE(Extend(&ring, " and more than eight bytes"));
  EXPECT_TRUE(Extend(&ring, "!"));
  EXPECT_TRUE(Put(&ring, "three"));
  EXPECT_TRUE(ring.Publish());
  EXPECT_FALSE(Extend(&ring, "too late"));
  EXPECT_EQ(Take(&ring), "one");
  EXPECT_EQ(Take(&ring), "two and more than eight bytes!");
  EXPECT_EQ(Take(&ring), "three");
}

TEST(SpscRing, ExtendsNoFurtherThanItsRoomAndItsEnd) {
  SpscRing ring(kCapacity);
  size_t extended = 0, refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::deque<std::string> wanted;
    for (int i = 0; i < 9; ++i) {
      std::string record(static_cast<size_t>(round % 50 + i * 37), static_cast<char>('a' + i));
      if (!Put(&ring, record)) break;
      const std::string more(static_cast<size_t>(round * 13 % 400 + 1), '+');
      if (Extend(&ring, more)) {
        record += more;
        ++extended;
      } else {
        ++refused;
      }
      wanted.push_back(std::move(record));
    }
    ring.Publish();
    for (const std::string& record : wanted) ASSERT_EQ(Take(&ring), record) << "round " << round;
    ring.Release();
  }
  EXPECT_GT(extended, 0u);
  EXPECT_GT(refused, 0u);
}

TEST(SpscRing, SaysWhetherHalfOfItIsFree) {
  SpscRing ring(kCapacity);
  EXPECT_TRUE(ring.HalfFree());
  EXPECT_TRUE(Put(&ring, std::string(kCapacity / 4, 'x')));
  EXPECT_TRUE(ring.HalfFree());
  EXPECT_TRUE(Put(&ring, std::string(kCapacity / 4, 'x')));
  EXPECT_FALSE(ring.HalfFree());
  ring.Publish();
  Take(&ring);
  EXPECT_FALSE(ring.HalfFree()) << "popped, but not released";
  ring.Release();
  EXPECT_TRUE(ring.HalfFree());
}

TEST(SpscRing, RecordsBeginAtMultiplesOfEight) {
  SpscRing ring(kCapacity);
  for (size_t size : {0, 1, 7, 8, 9}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(ring.Reserve(size)) % 8, 0u);
  }
}

TEST(SpscRing, TheLargestRecordFitsIntoAnEmptyRingWhereverItsHeadStands) {
  for (size_t shift = 0; shift < kCapacity; shift += 8) {
    SpscRing ring(kCapacity);
    for (size_t moved = 0; moved < shift; moved += 8) {  // an empty record moves it by its header
      ASSERT_TRUE(Put(&ring, ""));
      ring.Publish();
      Take(&ring);
      ring.Release();
    }
    const std::string record(ring.record_bytes_max(), 'L');
    ASSERT_TRUE(Put(&ring, record)) << shift;
    ring.Publish();
    ASSERT_EQ(Take(&ring), record) << shift;
  }
}

TEST(SpscRing, AFullRingRefusesAndGoesOnOnceThereIsRoom) {
  SpscRing ring(kCapacity);
  const std::string record(56, 'r');  // 64 bytes with its header
  for (size_t i = 0; i < kCapacity / 64; ++i) ASSERT_TRUE(Put(&ring, record));
  EXPECT_FALSE(Put(&ring, record));
  EXPECT_FALSE(Put(&ring, "")) << "not even the header fits";
  ring.Publish();
  EXPECT_EQ(Take(&ring), record);
  EXPECT_FALSE(Put(&ring, record)) << "popped, but not released";
  EXPECT_TRUE(ring.Release());
  EXPECT_FALSE(ring.Release());
  EXPECT_TRUE(Put(&ring, record));
  EXPECT_FALSE(Put(&ring, record));
}

TEST(SpscRing, ARefusedRecordLeavesNoTrace) {
  SpscRing ring(kCapacity);
  const std::string half(ring.record_bytes_max(), 'h');
  ASSERT_TRUE(Put(&ring, half));
  ASSERT_TRUE(Put(&ring, half));
  ASSERT_FALSE(Put(&ring, half));
  ring.Publish();
  EXPECT_EQ(Take(&ring), half);
  EXPECT_EQ(Take(&ring), half);
  EXPECT_EQ(Take(&ring), "(none)");
}

TEST(SpscRing, AgreesWithAQueueUnderRandomUse) {
  const uint64_t seed = Seed(4);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  SpscRing ring(kCapacity);
  std::deque<std::string> reserved, published;
  uint64_t refused = 0;
  for (int step = 0; step < 100'000; ++step) {
    switch (random() % 8) {
      case 0:
        ASSERT_EQ(ring.Publish(), !reserved.empty());
        for (std::string& record : reserved) published.push_back(std::move(record));
        reserved.clear();
        break;
      case 1:
        ring.Release();
        break;
      case 2:
      case 3:
      case 4: {
        size_t size = 0;
        const bool any = ring.Peek(&size) != nullptr;
        ASSERT_EQ(any, !published.empty()) << step;
        if (!any) break;
        ASSERT_EQ(Take(&ring), published.front()) << step;
        published.pop_front();
        break;
      }
      default: {
        const size_t most = random() % 4 == 0 ? ring.record_bytes_max() : 100;
        std::string record(random() % (most + 1), static_cast<char>(step));
        if (Put(&ring, record))
          reserved.push_back(std::move(record));
        else
          ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0u) << "the ring was never full: the test is too kind";
}

// Records carry their number and a pattern; the sizes come from one seeded generator on each side.
TEST(SpscRing, TwoThreadsLoseDoubleAndTearNothing) {
  constexpr uint64_t kRecords = 200'000;
  const uint64_t seed = Seed(5);
  SCOPED_TRACE(RepeatWith(seed));
  SpscRing ring(kCapacity);
  const auto size_of = [](std::mt19937_64* random) { return 8 + (*random)() % 300; };

  std::thread producer([&] {
    std::mt19937_64 random(seed);
    for (uint64_t number = 0; number < kRecords; ++number) {
      const size_t size = size_of(&random);
      uint8_t* at = ring.Reserve(size);
      while (at == nullptr) {
        ring.Publish();
        std::this_thread::yield();
        at = ring.Reserve(size);
      }
      std::memcpy(at, &number, sizeof(number));
      std::memset(at + 8, static_cast<int>(number), size - 8);
      if (number % 3 == 0) ring.Publish();
    }
    ring.Publish();
  });

  std::mt19937_64 random(seed);
  uint64_t wrong = 0;
  for (uint64_t number = 0; number < kRecords; ++number) {
    const size_t expected_size = size_of(&random);
    size_t size = 0;
    const uint8_t* at = ring.Peek(&size);
    while (at == nullptr) {
      ring.Release();
      std::this_thread::yield();
      at = ring.Peek(&size);
    }
    uint64_t seen;
    std::memcpy(&seen, at, sizeof(seen));
    const auto pattern = static_cast<uint8_t>(number);
    if (seen != number || size != expected_size || at[size - 1] != (size > 8 ? pattern : at[7])) {
      ++wrong;
    }
    ring.Pop();
    if (number % 5 == 0) ring.Release();
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
  size_t size = 0;
  EXPECT_EQ(ring.Peek(&size), nullptr);
}

TEST(SpscRingDeathTest, RefusesARecordThatMightNeverFit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  SpscRing ring(kCapacity);
  EXPECT_DEATH(ring.Reserve(ring.record_bytes_max() + 1), "record_bytes_max");
}

}  // namespace
}  // namespace solec

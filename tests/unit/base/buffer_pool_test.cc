#include "base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

namespace solec {
namespace {

TEST(BufferPool, RoundsUpToPowersOfTwoFromTheSmallestOn) {
  EXPECT_EQ(BufferPool::RoundUp(0), 64u);
  EXPECT_EQ(BufferPool::RoundUp(1), 64u);
  EXPECT_EQ(BufferPool::RoundUp(64), 64u);
  EXPECT_EQ(BufferPool::RoundUp(65), 128u);
  EXPECT_EQ(BufferPool::RoundUp(4'096), 4'096u);
  EXPECT_EQ(BufferPool::RoundUp(4'097), 8'192u);
  EXPECT_EQ(BufferPool::RoundUp(BufferPool::kSizeMax - 1), BufferPool::kSizeMax);
  EXPECT_EQ(BufferPool::RoundUp(BufferPool::kSizeMax), BufferPool::kSizeMax);
}

TEST(BufferPool, HandsOutTheBufferGivenLast) {
  BufferPool pool;
  uint8_t* const first = pool.Take(100);
  uint8_t* const second = pool.Take(100);
  EXPECT_NE(first, second);
  pool.Give(first, 100);
  pool.Give(second, 100);
  EXPECT_EQ(pool.Take(100), second);
  EXPECT_EQ(pool.Take(100), first);
  pool.Give(first, 100);
  pool.Give(second, 100);
}

TEST(BufferPool, TakesBackByAnySizeThatRoundsUpToTheSame) {
  BufferPool pool;
  uint8_t* const buffer = pool.Take(100);
  pool.Give(buffer, 128);
  EXPECT_EQ(pool.Take(65), buffer);
  pool.Give(buffer, 65);
}

TEST(BufferPool, BuffersAreDisjointAlignedAndWholeAtEverySize) {
  BufferPool pool;
  std::set<uint8_t*> all;
  std::vector<std::pair<uint8_t*, size_t>> taken;
  for (size_t size = 1; size <= (size_t{1} << 20); size = size * 3 / 2 + 1) {
    for (int i = 0; i < 3; ++i) {
      uint8_t* const buffer = pool.Take(size);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % 16, 0u);
      EXPECT_TRUE(all.insert(buffer).second);
      std::memset(buffer, static_cast<int>(taken.size()), BufferPool::RoundUp(size));
      taken.push_back({buffer, size});
    }
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    const auto [buffer, size] = taken[i];
    EXPECT_EQ(buffer[0], static_cast<uint8_t>(i));
    EXPECT_EQ(buffer[BufferPool::RoundUp(size) - 1], static_cast<uint8_t>(i));
    pool.Give(buffer, size);
  }
}

TEST(BufferPool, KeepsNoMoreFreeBytesOfOneSizeThanItsBound) {
  // Sizes around the bound: 4, 8, 16 and 64 MiB. What the pool keeps it hands out again.
  for (const size_t size : {BufferPool::kFreeBytesMax / 2, BufferPool::kFreeBytesMax,
                            2 * BufferPool::kFreeBytesMax, BufferPool::kSizeMax}) {
    BufferPool pool;
    std::vector<uint8_t*> buffers;
    for (int i = 0; i < 4; ++i) buffers.push_back(pool.Take(size));
    for (uint8_t* buffer : buffers) pool.Give(buffer, size);
    EXPECT_LE(pool.free_bytes(size), BufferPool::kFreeBytesMax) << size;
    EXPECT_EQ(pool.free_bytes(size), BufferPool::kFreeBytesMax / size * size) << size;
  }
}

TEST(BufferPoolDeathTest, RefusesMoreThanTheLargestSize) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  BufferPool pool;
  EXPECT_DEATH(pool.Take(BufferPool::kSizeMax + 1), "kSizeMax");
}

}  // namespace
}  // namespace solec

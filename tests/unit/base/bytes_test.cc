#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace solec {
namespace {

// Shifts and nothing else, so that it cannot share a mistake with the byte swaps.
template <class T>
T NaiveLoadBig(const uint8_t* from) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | from[i];
  return static_cast<T>(value);
}

template <class T>
class BigEndian : public testing::Test {};
using Widths = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(BigEndian, Widths);

TYPED_TEST(BigEndian, LoadsTheFirstByteAsTheHighestAtAnyAlignment) {
  std::mt19937 random(1);
  std::array<uint8_t, 32> bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  for (size_t offset = 0; offset < 16; ++offset) {
    EXPECT_EQ(LoadBig<TypeParam>(&bytes[offset]), NaiveLoadBig<TypeParam>(&bytes[offset]));
  }
}

TYPED_TEST(BigEndian, StoresWhatItLoadsAndNothingBeside) {
  std::mt19937_64 random(2);
  for (size_t offset = 1; offset < 16; ++offset) {
    std::array<uint8_t, 32> bytes;
    bytes.fill(0xA5);
    const auto value = static_cast<TypeParam>(random());
    StoreBig(&bytes[offset], value);
    EXPECT_EQ(NaiveLoadBig<TypeParam>(&bytes[offset]), value);
    EXPECT_EQ(bytes[offset - 1], 0xA5);
    EXPECT_EQ(bytes[offset + sizeof(TypeParam)], 0xA5);
  }
}

TEST(Bytes, ViewsOfTextAndBackAreTheSameMemory) {
  const std::string_view text("a\0\xFF", 3);
  EXPECT_EQ(AsString(AsBytes(text)).data(), text.data());
  EXPECT_EQ(AsString(AsBytes(text)), text);
  EXPECT_TRUE(AsString(AsBytes(std::string_view())).empty());
}

}  // namespace
}  // namespace solec

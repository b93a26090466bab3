#include "proto/frame.h"

#include <gtest/gtest.h>

#include <string>

namespace solec {
namespace {

std::string FrameOf(uint8_t type, size_t size) {
  std::string bytes(kFrameHeaderSize + size, static_cast<char>(type));
  StoreBig(reinterpret_cast<uint8_t*>(bytes.data()) + 1, static_cast<uint16_t>(size));
  return bytes;
}

TEST(Frame, SizeIsUnknownUntilTheHeaderIsWhole) {
  const std::string bytes = FrameOf(5, 300);
  for (size_t size = 0; size < kFrameHeaderSize; ++size) {
    EXPECT_EQ(FrameSizeAt(AsBytes(bytes).first(size)), 0u);
  }
  EXPECT_EQ(FrameSizeAt(AsBytes(bytes).first(kFrameHeaderSize)), 303u);
}

TEST(Frame, OfEverySizeIsTakenOnlyWhole) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{255}, size_t{256}, kPayloadBytesMax}) {
    const std::string bytes = FrameOf(0xFF, size);
    Frame frame{};
    Bytes cut = AsBytes(bytes).first(bytes.size() - 1);
    EXPECT_FALSE(TakeFrame(&cut, &frame));
    EXPECT_EQ(cut.size(), bytes.size() - 1) << "a stream that holds no frame is left alone";

    Bytes whole = AsBytes(bytes);
    ASSERT_TRUE(TakeFrame(&whole, &frame));
    EXPECT_TRUE(whole.empty());
    EXPECT_EQ(frame.type, PayloadType::kTest);
    EXPECT_EQ(frame.payload.size(), size);
    EXPECT_EQ(frame.text(), bytes);
    EXPECT_EQ(frame.bytes.data(), AsBytes(bytes).data()) << "a view, not a copy";
  }
}

TEST(Frame, TheLargestIsWhatTheProtocolSays) {
  EXPECT_EQ(kFrameBytesMax, 3u + 65'535u);
  EXPECT_EQ(FrameOf(1, kPayloadBytesMax).size(), kFrameBytesMax);
}

TEST(Frame, TypesThatNobodyKnowsAreFramesToo) {
  std::string stream;
  for (int type = 0; type < 256; ++type) {
    stream += FrameOf(static_cast<uint8_t>(type), static_cast<size_t>(type));
  }
  Bytes rest = AsBytes(stream);
  Frame frame{};
  for (int type = 0; type < 256; ++type) {
    ASSERT_TRUE(TakeFrame(&rest, &frame));
    EXPECT_EQ(static_cast<int>(frame.type), type);
    EXPECT_EQ(frame.payload.size(), static_cast<size_t>(type));
  }
  EXPECT_FALSE(TakeFrame(&rest, &frame));
}

}  // namespace
}  // namespace solec

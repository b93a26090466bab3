#include "net/output_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "proto/frame.h"

namespace solec {
namespace {

// A frame of `size` bytes in all, filled with `fill`.
std::string FrameOf(size_t size, char fill) {
  std::string frame(size, fill);
  frame[0] = static_cast<char>(PayloadType::kTest);
  StoreBig(reinterpret_cast<uint8_t*>(frame.data()) + 1,
           static_cast<uint16_t>(size - kFrameHeaderSize));
  return frame;
}

class OutputQueueTest : public testing::Test {
 protected:
  ~OutputQueueTest() override { queue_.Clear(&pool_); }

  void Append(const std::string& frame) {
    std::memcpy(queue_.Append(&pool_, frame.size(), 0), frame.data(), frame.size());
    whole_ += frame;
  }
  void AppendShared(const std::string& frame) {
    SharedBytes* bytes = SharedBytes::Create(&pool_, frame.size());
    std::memcpy(bytes->data(), frame.data(), frame.size());
    bytes->Grow(static_cast<uint32_t>(frame.size()));
    queue_.AppendShared(&pool_, bytes, 0, static_cast<uint32_t>(frame.size()));
    bytes->Unref();
    whole_ += frame;
  }
  std::string BeginSend(size_t slices_max = 64, size_t bytes_max = SIZE_MAX) {
    std::vector<Bytes> slices(slices_max);
    const size_t count = queue_.BeginSend(slices.data(), slices_max, bytes_max);
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += AsString(slices[i]);
    return bytes;
  }
  std::string Unsent() const {
    std::string bytes;
    queue_.ForEachUnsent([&](Bytes frames) { bytes += AsString(frames); });
    return bytes;
  }

  BufferPool pool_;
  OutputQueue queue_;
  std::string whole_;  // all that was ever appended
};

TEST_F(OutputQueueTest, SendsWhatWasAppendedInOrder) {
  Append(FrameOf(10, 'a'));
  AppendShared(FrameOf(2000, 'b'));
  Append(FrameOf(30, 'c'));
  AppendShared(FrameOf(20, 'd'));
  Append(FrameOf(70'000 - 5'000, 'e'));
  EXPECT_EQ(queue_.byte_count(), whole_.size());
  EXPECT_EQ(BeginSend(), whole_);
  EXPECT_TRUE(queue_.send_in_flight());
  queue_.Sent(&pool_, whole_.size());
  EXPECT_TRUE(queue_.empty());
  EXPECT_FALSE(queue_.send_in_flight());
  EXPECT_EQ(queue_.sent_count(), whole_.size());
}

TEST_F(OutputQueueTest, AppendsBehindSharedBytesInMemoryOfItsOwn) {
  AppendShared(FrameOf(600, 'a'));  // the tail is now a reference, which has no room
  Append(FrameOf(20, 'b'));
  AppendShared(FrameOf(40, 'c'));
  EXPECT_EQ(BeginSend(), whole_);
}

TEST_F(OutputQueueTest, KeepsBytesInFlightWhereTheyAreWhileMoreIsAppended) {
  Append(FrameOf(10, 'a'));
  std::vector<Bytes> slices(1);
  ASSERT_EQ(queue_.BeginSend(slices.data(), 1), 1u);
  const std::string first = whole_;
  for (int i = 0; i < 100; ++i) Append(FrameOf(50, 'b'));
  EXPECT_EQ(AsString(slices[0]), first);
  queue_.Sent(&pool_, first.size());
  EXPECT_EQ(BeginSend(), whole_.substr(first.size()));
}

TEST_F(OutputQueueTest, SendsNoMoreSlicesThanAsked) {
  for (int i = 0; i < 5; ++i) AppendShared(FrameOf(600, static_cast<char>('a' + i)));
  EXPECT_EQ(BeginSend(2), whole_.substr(0, 1200));
  queue_.Sent(&pool_, 1200);
  EXPECT_EQ(BeginSend(), whole_.substr(1200));
}

TEST_F(OutputQueueTest, SendsWholeFramesUpToSoManyBytes) {
  constexpr size_t kBytesMax = 70'000;
  for (int i = 0; i < 50; ++i) Append(FrameOf(1'000 + static_cast<size_t>(i), 'a'));
  std::string batch;
  for (int i = 0; i < 100; ++i) batch += FrameOf(7'000, 'b');
  AppendShared(batch);
  Append(FrameOf(65'538, 'c'));
  std::string sent;
  while (!queue_.empty()) {
    const std::string bytes = BeginSend(64, kBytesMax);
    ASSERT_FALSE(bytes.empty());
    EXPECT_LE(bytes.size(), kBytesMax);
    Bytes frames = AsBytes(bytes);
    for (Frame frame; TakeFrame(&frames, &frame);) {
    }
    EXPECT_TRUE(frames.empty());
    sent += bytes;
    queue_.Sent(&pool_, bytes.size());
  }
  EXPECT_TRUE(sent == whole_);
}

TEST_F(OutputQueueTest, DropsWhatFollowsAPartOfAChunkThatIsInFlight) {
  std::string batch;
  for (int i = 0; i < 100; ++i) batch += FrameOf(7'000, 'b');
  AppendShared(batch);
  const std::string sending = BeginSend(64, 70'000);
  EXPECT_EQ(sending.size(), 70'000u);
  queue_.DropUnsent(&pool_);
  EXPECT_EQ(queue_.byte_count(), sending.size());
  Append(FrameOf(10, 'e'));
  queue_.Sent(&pool_, sending.size());
  EXPECT_EQ(BeginSend(), FrameOf(10, 'e'));
}

TEST_F(OutputQueueTest, SharesOneReferenceForFramesThatFollowEachOther) {
  const std::string frame = FrameOf(600, 'a');
  SharedBytes* bytes = SharedBytes::Create(&pool_, 1200);
  std::memcpy(bytes->data(), (frame + frame).data(), 1200);
  bytes->Grow(1200);
  queue_.AppendShared(&pool_, bytes, 0, 600);
  queue_.AppendShared(&pool_, bytes, 600, 600);
  bytes->Unref();
  EXPECT_EQ(BeginSend(1), frame + frame);
}

TEST_F(OutputQueueTest, DropsAllButWhatIsInFlight) {
  Append(FrameOf(10, 'a'));
  AppendShared(FrameOf(600, 'b'));
  const std::string in_flight = BeginSend();
  Append(FrameOf(10, 'c'));
  AppendShared(FrameOf(600, 'd'));
  queue_.DropUnsent(&pool_);
  EXPECT_EQ(queue_.byte_count(), in_flight.size());
  const std::string last = FrameOf(4, 'e');
  Append(last);
  queue_.Sent(&pool_, in_flight.size());
  EXPECT_EQ(BeginSend(), last);
}

TEST_F(OutputQueueTest, ShowsUnsentFramesWithThoseInFlight) {
  Append(FrameOf(10, 'a'));
  BeginSend();
  Append(FrameOf(20, 'b'));
  EXPECT_EQ(Unsent(), whole_);
}

// A send that breaks off after any number of bytes: what it cut counts as unsent, from its first
// byte.
TEST_F(OutputQueueTest, ShowsAFrameThatWasCutAsAWhole) {
  const std::vector<std::string> frames = {FrameOf(10, 'a'), FrameOf(3, 'b'), FrameOf(700, 'c'),
                                           FrameOf(25, 'd')};
  size_t total = 0;
  for (const std::string& frame : frames) total += frame.size();
  for (size_t sent = 0; sent < total; ++sent) {
    OutputQueue queue;
    std::string whole;
    size_t kept_from = 0, end = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
      const std::string& frame = frames[i];
      if (i == 2) {
        SharedBytes* bytes = SharedBytes::Create(&pool_, frame.size());
        std::memcpy(bytes->data(), frame.data(), frame.size());
        bytes->Grow(static_cast<uint32_t>(frame.size()));
        queue.AppendShared(&pool_, bytes, 0, static_cast<uint32_t>(frame.size()));
        bytes->Unref();
      } else {
        std::memcpy(queue.Append(&pool_, frame.size(), 0), frame.data(), frame.size());
      }
      whole += frame;
      end += frame.size();
      if (end <= sent) kept_from = end;
    }
    auto unsent = [&queue] {
      std::string bytes;
      queue.ForEachUnsent([&](Bytes part) { bytes += AsString(part); });
      return bytes;
    };
    std::vector<Bytes> slices(64);
    queue.BeginSend(slices.data(), slices.size());
    queue.Sent(&pool_, sent);
    EXPECT_EQ(unsent(), whole.substr(kept_from)) << sent;
    // Twice, for a second try may break off too.
    queue.BeginSend(slices.data(), slices.size());
    queue.Sent(&pool_, sent + 1 < total ? 1 : 0);
    EXPECT_TRUE(whole.ends_with(unsent())) << sent;
    EXPECT_EQ(queue.byte_count(), total - sent - (sent + 1 < total ? 1 : 0));
    queue.Clear(&pool_);
  }
}

TEST_F(OutputQueueTest, HoldsNoMemoryWhenEmpty) {
  Append(FrameOf(100, 'a'));
  BeginSend();
  queue_.Sent(&pool_, 100);
  EXPECT_EQ(Unsent(), "");
  EXPECT_TRUE(queue_.empty());
  queue_.Clear(&pool_);  // again, with nothing there
  Append(FrameOf(100, 'b'));
  EXPECT_EQ(queue_.byte_count(), 100u);
}

}  // namespace
}  // namespace solec

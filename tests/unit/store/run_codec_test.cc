#include "store/run_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "proto/codec.h"
#include "proto/frame.h"
#include "tests/unit/base/seed.h"
#include "tests/unit/store/store_driver.h"

namespace solec {
namespace {

std::string FrameOf(std::string_view source, std::string_view target, uint64_t seconds,
                    std::string_view content) {
  std::string frame;
  AppendFrame(Message{source, target, {seconds}, content}, &frame);
  return frame;
}

std::string Packed(std::string_view frames, uint64_t count) {
  std::string buffer;
  return std::string(PackRun(AsBytes(frames), count, &buffer));
}

// The frames of a run again; "damaged" if it does not decode.
std::string Unpacked(std::string_view value, uint64_t count) {
  std::string buffer;
  const std::optional<RunValue> run = ParseRun(value, &buffer);
  if (!run) return "damaged";
  EXPECT_EQ(run->count, count);
  return std::string(AsString(run->frames));
}

TEST(RunCodec, ARunOfOneToAnotherSaysOnceWhoTheyAre) {
  std::string frames;
  for (uint64_t i = 0; i < 16; ++i) {
    frames += FrameOf("bench-s-1@a.example", "bench-r-1@a.example", 1'700'000'000 + i / 4,
                      std::string(64, 'x'));
  }
  const std::string value = Packed(frames, 16);
  EXPECT_LE(value.size(), 16u * (64 + 3) + 60);
  EXPECT_EQ(Unpacked(value, 16), frames);
}

TEST(RunCodec, OneMessageIsNeverLongerThanItsFrame) {
  for (const uint64_t seconds : {uint64_t{0}, uint64_t{1'700'000'000}, UINT64_MAX}) {
    const std::string frame = FrameOf("", "", seconds, "");
    const std::string value = Packed(frame, 1);
    EXPECT_LE(value.size(), frame.size() + 2) << "version and count";
    EXPECT_EQ(Unpacked(value, 1), frame);
  }
}

// Clocks of senders go to and fro, and are as wrong as can be.
TEST(RunCodec, AnyTimesComeBack) {
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  const uint64_t times[] = {5,         3,         UINT64_MAX, 0,            kHalf,
                            kHalf - 1, kHalf / 2, kHalf / 4,  kHalf / 8 - 1, 1'700'000'000};
  for (const uint64_t one : times) {
    for (const uint64_t other : times) {
      const std::string frames =
          FrameOf("a@x", "b@x", one, "1") + FrameOf("a@x", "b@x", other, "2");
      EXPECT_EQ(Unpacked(Packed(frames, 2), 2), frames) << one << " " << other;
    }
  }
}

TEST(RunCodec, FramesThatNoEncoderMakesAreKeptAsTheyAre) {
  const std::string frame = FrameOf("a@x", "b@x", 5, "content");
  std::string longer = frame + "x";
  longer[2] = static_cast<char>(longer[2] + 1);  // a payload with a byte too many
  std::string wrong = frame;
  wrong[4] = 100;  // a source that runs past the end
  for (const std::string& odd : {longer, wrong, std::string("\x05\0\0", 3)}) {
    const std::string frames = frame + odd;
    EXPECT_EQ(Unpacked(Packed(frames, 2), 2), frames);
  }
}

TEST(RunCodec, RandomRunsComeBackByteForByte) {
  const uint64_t seed = Seed(521);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  const std::string names[] = {"alice@a.example", "bob@a.example", "#room@a.example", "",
                               std::string(300, 'n')};
  for (int round = 0; round < 2'000; ++round) {
    std::string frames;
    const uint64_t count = 1 + random() % 20;
    uint64_t seconds = random();
    std::string source = names[0], target = names[1];
    for (uint64_t i = 0; i < count; ++i) {
      if (random() % 3 == 0) source = names[random() % std::size(names)];
      if (random() % 3 == 0) target = names[random() % std::size(names)];
      seconds = random() % 5 == 0 ? random() >> random() % 64 : seconds + random() % 3;
      frames += FrameOf(source, target, seconds,
                        std::string(random() % (random() % 10 == 0 ? 60'000 : 100), 'c'));
    }
    const std::string value = Packed(frames, count);
    EXPECT_LE(value.size(), frames.size() + 4);
    ASSERT_EQ(Unpacked(value, count), frames);
  }
}

// Whatever is on the disk: whole frames, as many as it says, or nothing.
TEST(RunCodec, AnyBytesAreRunsOrRefused) {
  const uint64_t seed = Seed(522);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  std::string frames;
  for (int i = 0; i < 3; ++i) {
    frames += FrameOf(i == 1 ? "c@x" : "a@x", "b@x", 5, std::string(20, 'x'));
  }
  const std::string valid[] = {Packed(frames, 3), std::string("\1\3") + frames};
  int accepted = 0;
  std::string buffer;
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = valid[random() % 2];
    for (uint64_t change = random() % 4; change > 0; --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 1));
    const std::optional<RunValue> run = ParseRun(bytes, &buffer);
    if (!run) continue;
    ++accepted;
    uint64_t count = 0;
    Bytes rest = run->frames;
    for (Frame frame; TakeFrame(&rest, &frame); ++count) {
      ASSERT_EQ(frame.type, PayloadType::kMessage);
    }
    ASSERT_TRUE(rest.empty());
    ASSERT_EQ(count, run->count);
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(RunCodec, EveryCutIsRefused) {
  const std::string frames = FrameOf("a@x", "b@x", 5, "one") + FrameOf("a@x", "b@x", 6, "two");
  for (const std::string& value : {Packed(frames, 2), std::string("\1\2") + frames}) {
    for (size_t size = 0; size < value.size(); ++size) {
      EXPECT_EQ(Unpacked(value.substr(0, size), 2), "damaged") << size;
    }
    EXPECT_EQ(Unpacked(value + "x", 2), "damaged");
  }
}

// A few bytes cannot make much memory.
TEST(RunCodec, WhatUnpacksToTooMuchIsRefused) {
  std::string value = "\2";
  const uint64_t count = 10'000;
  PutNumber(&value, count);
  value += "\3";
  PutNumber(&value, 30'000);
  value += std::string(30'000, 's') + std::string("\0\0", 2);
  for (uint64_t i = 1; i < count; ++i) value += std::string("\0\0", 2);
  std::string buffer;
  EXPECT_FALSE(ParseRun(value, &buffer));
  EXPECT_LE(buffer.size(), kRunFramesMax);
}

}  // namespace
}  // namespace solec

// The messages of a run: built once, stamped with a sequence number and a time when they are sent,
// and recognised when they come back. Pure memory; one thread.
//
// A content begins with two stamps of eight bytes each: the message's number (the first is 1, each
// sender counts for itself) and the time it was sent, or meant to be sent, in nanoseconds. A stamp
// holds 56 bits, seven a byte, since contents are text: bytes above 127 would not be valid UTF-8.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace solec {

inline constexpr size_t kStampBytes = 8;
inline constexpr size_t kStampedBytes = 2 * kStampBytes;  // the smallest content
inline constexpr uint64_t kStampMax = (uint64_t{1} << 56) - 1;

// Spreads the low 56 bits of `value` over eight bytes below 128, and back.
inline uint64_t SpreadStamp(uint64_t value) {
  value = (value & 0x00ff'ffff'f000'0000) << 4 | (value & 0x0000'0000'0fff'ffff);
  value = (value & 0x0fff'c000'0fff'c000) << 2 | (value & 0x0000'3fff'0000'3fff);
  return (value & 0x3f80'3f80'3f80'3f80) << 1 | (value & 0x007f'007f'007f'007f);
}

inline uint64_t GatherStamp(uint64_t spread) {
  spread = (spread & 0x7f00'7f00'7f00'7f00) >> 1 | (spread & 0x007f'007f'007f'007f);
  spread = (spread & 0x3fff'0000'3fff'0000) >> 2 | (spread & 0x0000'3fff'0000'3fff);
  return (spread & 0x0fff'ffff'0000'0000) >> 4 | (spread & 0x0000'0000'0fff'ffff);
}

// The text of a content of `size` bytes, stamps zero; the rest depends on `seed` alone.
std::string MakeContent(size_t size, uint64_t seed);

// Room for `slots` frames of one sender, one behind the other: whatever a window allows is one
// contiguous send.
class OutgoingFrames {
 public:
  // `seconds`: the messages' timestamp, the same for all of a run.
  void Build(std::string_view source, std::string_view target, uint64_t seconds,
             std::string_view content, size_t slots);

  size_t slots() const { return frame_bytes_ == 0 ? 0 : bytes_.size() / frame_bytes_; }
  void Stamp(size_t slot, uint64_t sequence, uint64_t time_ns) {
    uint8_t* const at = bytes_.data() + slot * frame_bytes_ + stamp_at_;
    const uint64_t stamps[2] = {SpreadStamp(sequence), SpreadStamp(time_ns)};
    std::memcpy(at, stamps, sizeof(stamps));
  }
  // The first `count` slots.
  Bytes First(size_t count) const { return Bytes(bytes_).first(count * frame_bytes_); }

 private:
  std::vector<uint8_t> bytes_;
  size_t frame_bytes_ = 0;
  size_t stamp_at_ = 0;
};

enum class DeliveredKind : uint8_t {
  kExpected,    // this sender's message
  kEarlierRun,  // one that waited in the server since an earlier run: another timestamp
  kForeign,     // neither: not what was sent
};

// What one sender's messages look like when they are delivered: learnt from the first one, since
// the server fills in addresses in full.
class DeliveredFrames {
 public:
  // The names that the two addresses begin with, and what else Build was given.
  void Expect(std::string_view source_name, std::string_view target_name, uint64_t seconds,
              std::string_view content);

  // 0 until the first one was learnt.
  size_t frame_bytes() const { return frame_.size(); }

  // `at`: frame_bytes() bytes. True if they are such a frame, whatever its stamps.
  bool Matches(const uint8_t* at) const {
    return std::memcmp(at, frame_.data(), stamp_at_) == 0 &&
           std::memcmp(at + tail_at_, frame_.data() + tail_at_, frame_.size() - tail_at_) == 0;
  }
  uint64_t SequenceAt(const uint8_t* at) const { return GatherStamp(Load(at + stamp_at_)); }
  // Not gathered yet: equal stamps are equal times.
  uint64_t TimeStampAt(const uint8_t* at) const { return Load(at + stamp_at_ + kStampBytes); }

  // Looks at a whole frame that did not match, and learns from it if it is kExpected.
  DeliveredKind Learn(Bytes frame);

 private:
  static uint64_t Load(const uint8_t* at) {
    uint64_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }

  std::string source_name_, target_name_, content_;
  uint64_t seconds_ = 0;
  std::vector<uint8_t> frame_;
  size_t stamp_at_ = 0;
  size_t tail_at_ = 0;
};

}  // namespace solec

#include "bench/message_frames.h"

#include <random>

#include "proto/codec.h"
#include "proto/frame.h"

namespace solec {

std::string MakeContent(size_t size, uint64_t seed) {
  std::string content(size, '\0');
  std::mt19937_64 random(seed);
  for (size_t i = kStampedBytes; i < size; ++i) {
    content[i] = static_cast<char>('a' + random() % 26);
  }
  return content;
}

void OutgoingFrames::Build(std::string_view source, std::string_view target, uint64_t seconds,
                           std::string_view content, size_t slots) {
  const Message message{source, target, {seconds}, content};
  bytes_.clear();
  bytes_.reserve(slots * FrameSize(message));
  for (size_t i = 0; i < slots; ++i) AppendFrame(message, &bytes_);
  frame_bytes_ = FrameSize(message);
  stamp_at_ = frame_bytes_ - content.size();
}

void DeliveredFrames::Expect(std::string_view source_name, std::string_view target_name,
                             uint64_t seconds, std::string_view content) {
  source_name_ = source_name;
  target_name_ = target_name;
  seconds_ = seconds;
  content_ = content;
  frame_.clear();
}

static bool IsAddressOf(std::string_view address, std::string_view name) {
  return address.starts_with(name) && address.substr(name.size()).starts_with('@');
}

DeliveredKind DeliveredFrames::Learn(Bytes bytes) {
  Frame frame;
  Message message;
  Bytes stream = bytes;
  if (!TakeFrame(&stream, &frame) || frame.type != PayloadType::kMessage ||
      Decode(frame.payload, &message) != DecodeError::kNone) {
    return DeliveredKind::kForeign;
  }
  if (message.timestamp.seconds < seconds_) return DeliveredKind::kEarlierRun;
  const std::string_view content = message.message_content;
  if (!IsAddressOf(message.source, source_name_) || !IsAddressOf(message.target, target_name_) ||
      message.timestamp.seconds != seconds_ || content.size() != content_.size() ||
      content.substr(kStampedBytes) != std::string_view(content_).substr(kStampedBytes)) {
    return DeliveredKind::kForeign;
  }
  frame_.assign(frame.bytes.begin(), frame.bytes.end());
  stamp_at_ = frame_.size() - content.size();
  tail_at_ = stamp_at_ + kStampedBytes;
  return DeliveredKind::kExpected;
}

}  // namespace solec

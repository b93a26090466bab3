// Any payload of any type: what decodes encodes to the same bytes, what is described stays one
// line, and the router's view of a message is the decoder's.

#include <string>

#include "proto/codec.h"
#include "proto/describe.h"
#include "proto/message_view.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

template <class P>
void CheckOne(const Frame& frame) {
  if (P::kType != frame.type) return;
  P payload;
  const DecodeError error = Decode(frame.payload, &payload);
  const bool described_malformed = DescribeFrame(frame).find(" malformed: ") != std::string::npos;
  if (error != DecodeError::kNone) {
    SOLEC_ASSERT(described_malformed);
    return;
  }
  std::string encoded;
  AppendFrame(payload, &encoded);
  if (P::kType == PayloadType::kHandshake) {  // what a later draft added is not encoded again
    SOLEC_ASSERT(frame.text()
                     .substr(kFrameHeaderSize)
                     .starts_with(std::string_view(encoded).substr(kFrameHeaderSize)));
  } else {
    SOLEC_ASSERT(encoded == frame.text());
  }
}

void CheckView(const Frame& frame) {
  Message message;
  const bool decodes = Decode(frame.payload, &message) == DecodeError::kNone;
  MessageView view;
  const bool parses = ParseMessage(frame.payload, &view) && IsValidUtf8(view.source) &&
                      IsValidUtf8(view.target) && IsValidUtf8(view.content);
  SOLEC_ASSERT(parses == decodes);
  if (!decodes) return;
  SOLEC_ASSERT(view.source == message.source && view.target == message.target);
  SOLEC_ASSERT(view.content == message.message_content);
  SOLEC_ASSERT(view.addresses.size() + view.tail.size() == frame.payload.size());
}

void CheckLine(const std::string& line) {
  SOLEC_ASSERT(IsValidUtf8(line));
  for (size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<uint8_t>(line[i]);
    SOLEC_ASSERT(byte >= 0x20 && byte != 0x7F);
    SOLEC_ASSERT(byte != 0xC2 || static_cast<uint8_t>(line[i + 1]) >= 0xA0);
  }
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace solec;
  FuzzInput input(data, size);
  std::string bytes(1, static_cast<char>(input.TakeByte()));
  const Bytes payload = input.Take(kPayloadBytesMax);
  bytes += static_cast<char>(payload.size() >> 8);
  bytes += static_cast<char>(payload.size());
  bytes += AsString(payload);
  Bytes stream = AsBytes(bytes);
  Frame frame{};
  SOLEC_ASSERT(TakeFrame(&stream, &frame) && stream.empty());
  std::apply([&](auto... one) { (CheckOne<decltype(one)>(frame), ...); }, AllPayloads{});
  CheckView(frame);
  CheckLine(DescribeFrame(frame));
  CheckLine(DescribeFrameJson(frame));
  SOLEC_ASSERT(!DescribeStream(payload, false).empty() || payload.empty());
  return 0;
}

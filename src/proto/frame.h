// Frames (PDUs): a type, a length, a payload. Finding them in a stream needs nothing but this.
#pragma once

#include "base/bytes.h"
#include "proto/constants.h"

namespace solec {

// One whole frame inside a buffer that somebody else owns.
struct Frame {
  PayloadType type;
  Bytes payload;  // without the header
  Bytes bytes;    // the whole frame

  std::string_view text() const { return AsString(bytes); }
};

// Bytes of the frame that begins at `stream`, or 0 while its header is not complete.
inline size_t FrameSizeAt(Bytes stream) {
  if (stream.size() < kFrameHeaderSize) return 0;
  return kFrameHeaderSize + LoadBig<uint16_t>(stream.data() + 1);
}

// Takes the first whole frame off `stream`: true, and `stream` begins after it. False, with
// `stream` unchanged, if it does not hold a whole one. Any bytes at all make frames; whether a type
// is known and a payload well formed is for others to say.
inline bool TakeFrame(Bytes* stream, Frame* frame) {
  const size_t size = FrameSizeAt(*stream);
  if (size == 0 || size > stream->size()) return false;
  frame->type = static_cast<PayloadType>((*stream)[0]);
  frame->bytes = stream->first(size);
  frame->payload = frame->bytes.subspan(kFrameHeaderSize);
  *stream = stream->subspan(size);
  return true;
}

}  // namespace solec

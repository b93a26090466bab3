// What a NATS server says, line by line: enough of its text protocol to publish and to get answers.
// Pure functions over bytes; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace solec {

enum class NatsKind : uint8_t {
  kMessage,  // MSG and HMSG
  kPing,
  kPong,
  kError,  // -ERR; `payload` is its text
  kOther,  // INFO, +OK: nothing that asks for an answer
};

struct NatsFrame {
  NatsKind kind = NatsKind::kOther;
  std::string_view subject;  // of a message
  std::string_view payload;  // of a message, without headers
};

enum class NatsTaken : uint8_t {
  kWhole,      // a frame, taken off the front
  kPartial,    // the rest of it has not come yet; nothing was taken
  kMalformed,  // not this protocol
};

// Takes the first frame off `stream`. Its views point into the stream.
NatsTaken TakeNatsFrame(std::string_view* stream, NatsFrame* frame);

}  // namespace solec

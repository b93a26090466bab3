// A stream cut anywhere gives what it gives in one piece: frames, against a decoder of this file's
// own, and a client's session with all its events and answers.

#include <string>
#include <vector>

#include "client/client_session.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

struct NaiveFrame {
  size_t begin;
  size_t end;
};

// By index and by the protocol's text; shares no code with src/proto.
std::vector<NaiveFrame> NaiveFrames(const std::string& stream) {
  std::vector<NaiveFrame> frames;
  size_t at = 0;
  while (at + 3 <= stream.size()) {
    const size_t high = static_cast<uint8_t>(stream[at + 1]);
    const size_t low = static_cast<uint8_t>(stream[at + 2]);
    const size_t end = at + 3 + high * 256 + low;
    if (end > stream.size()) break;
    frames.push_back({at, end});
    at = end;
  }
  return frames;
}

// Each cut is the length of the next piece; what is left after the last is one piece.
std::vector<std::string> Pieces(FuzzInput* input) {
  const Bytes cuts = input->Take(input->TakeByte() % 32);
  std::vector<std::string> pieces;
  for (const uint8_t cut : cuts) pieces.emplace_back(AsString(input->Take(cut)));
  pieces.emplace_back(input->text());
  return pieces;
}

void CheckFrames(const std::vector<std::string>& pieces, const std::string& stream) {
  const std::vector<NaiveFrame> expected = NaiveFrames(stream);
  std::string buffer;
  size_t count = 0;
  for (const std::string& piece : pieces) {
    buffer += piece;
    Bytes rest = AsBytes(buffer);
    for (Frame frame; TakeFrame(&rest, &frame); ++count) {
      SOLEC_ASSERT(count < expected.size());
      const NaiveFrame& wanted = expected[count];
      SOLEC_ASSERT(frame.text() == stream.substr(wanted.begin, wanted.end - wanted.begin));
      SOLEC_ASSERT(static_cast<uint8_t>(frame.type) == static_cast<uint8_t>(stream[wanted.begin]));
      SOLEC_ASSERT(frame.payload.size() == wanted.end - wanted.begin - 3);
    }
    buffer = AsString(rest);
  }
  SOLEC_ASSERT(count == expected.size());
  SOLEC_ASSERT(buffer.size() == stream.size() - (expected.empty() ? 0 : expected.back().end));
}

// All that a session makes of the pieces, as text.
std::string SessionOf(const std::vector<std::string>& pieces) {
  ClientSession session;
  SOLEC_ASSERT(session.Login("alice", "secret"));
  std::string events;
  for (const std::string& piece : pieces) {
    session.Receive(AsBytes(piece));
    for (SessionEvent event; session.Next(&event);) {
      std::visit([&](const auto& payload) { AppendFrame(payload, &events); }, event);
      // A user's message, so that receipts have something to answer.
      if (session.logged_in()) SOLEC_ASSERT(session.SendMessage("bob", "hi", {}));
    }
  }
  return events + '/' + std::string(AsString(session.output())) + '/' +
         std::string(SessionFailureText(session.failure()));
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  solec::FuzzInput input(data, size);
  const std::vector<std::string> pieces = solec::Pieces(&input);
  std::string stream;
  for (const std::string& piece : pieces) stream += piece;
  solec::CheckFrames(pieces, stream);
  SOLEC_ASSERT(solec::SessionOf(pieces) == solec::SessionOf({stream}));
  return 0;
}

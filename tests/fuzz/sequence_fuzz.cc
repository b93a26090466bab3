// The login's state machine under any frames and verdicts, against a model by the protocol's text.

#include <string>

#include "proto/sequence.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

enum class Where { kBeforeHandshake, kBeforeLogin, kChecking };

// What the protocol says happens to `frame`; moves `where` on.
SequenceAction Expected(const Frame& frame, Where* where) {
  const auto type = static_cast<uint8_t>(frame.type);
  const Bytes payload = frame.payload;
  if (type == 0xFF) return SequenceAction::kNothing;
  if (*where == Where::kBeforeHandshake) {
    if (type != 0x03) return SequenceAction::kClose;
    if (payload.size() < 2 || (payload.size() > 2 && payload.size() < 6)) {
      return SequenceAction::kClose;
    }
    if (payload[0] != 0) return SequenceAction::kCloseVersion;
    *where = Where::kBeforeLogin;
    return payload.size() == 2 ? SequenceAction::kNothing : SequenceAction::kHandshake;
  }
  UserAuth user;
  ServerAuth server;
  const bool well_formed = type == 0x04   ? Decode(payload, &user) == DecodeError::kNone
                           : type == 0x06 ? Decode(payload, &server) == DecodeError::kNone
                                          : false;
  if (!well_formed) return SequenceAction::kError;
  *where = Where::kChecking;
  return type == 0x04 ? SequenceAction::kCheckUser : SequenceAction::kCheckPeer;
}

bool Ends(SequenceAction action) {
  return action == SequenceAction::kClose || action == SequenceAction::kCloseVersion ||
         action == SequenceAction::kError || action == SequenceAction::kRefuseClose ||
         action == SequenceAction::kSuccess || action == SequenceAction::kCheckPeer;
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace solec;
  FuzzInput input(data, size);
  const uint32_t known = input.TakeByte();
  const uint32_t tries_max = 1 + input.TakeByte() % 8u;
  const uint8_t verdicts = input.TakeByte();  // one bit for each
  Bytes stream = input.rest();
  ServerSequence sequence;
  Where where = Where::kBeforeHandshake;
  uint32_t tries = 0;
  for (Frame frame; TakeFrame(&stream, &frame);) {
    const SequenceAction expected = Expected(frame, &where);
    const SequenceStep step = sequence.OnFrame(frame, known);
    SOLEC_ASSERT(step.action == expected);
    SOLEC_ASSERT((step.features & ~known) == 0);
    SOLEC_ASSERT(sequence.handshake_done() == (where != Where::kBeforeHandshake));
    if (Ends(step.action)) return 0;
    if (where != Where::kChecking) continue;
    const bool valid = (verdicts >> (tries % 8) & 1) != 0;
    const SequenceStep verdict = sequence.UserVerdict(valid, tries_max);
    if (valid) {
      SOLEC_ASSERT(verdict.action == SequenceAction::kSuccess);
      return 0;
    }
    ++tries;
    SOLEC_ASSERT(verdict.code == ErrorCode::kUserAuthFailed);
    SOLEC_ASSERT((verdict.action == SequenceAction::kRefuseClose) == (tries == tries_max));
    if (Ends(verdict.action)) return 0;
    where = Where::kBeforeLogin;
    SOLEC_ASSERT(sequence.waits_for_login());
  }
  return 0;
}

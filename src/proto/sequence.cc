#include "proto/sequence.h"

namespace solec {

SequenceStep ServerSequence::OnFrame(const Frame& frame, uint32_t known) {
  if (frame.type == PayloadType::kTest) return {};
  if (state_ == State::kHandshake) {
    Handshake handshake;
    if (frame.type != PayloadType::kHandshake ||
        Decode(frame.payload, &handshake) != DecodeError::kNone) {
      return {.action = SequenceAction::kClose};
    }
    if (handshake.ver_major != kVersionMajor) return {.action = SequenceAction::kCloseVersion};
    state_ = State::kLogin;
    if (!handshake.features) return {};
    return {.action = SequenceAction::kHandshake, .features = *handshake.features & known};
  }
  SOLEC_ASSERT(state_ == State::kLogin);
  if (frame.type == PayloadType::kUserAuth) {
    UserAuth auth;
    if (Decode(frame.payload, &auth) != DecodeError::kNone) {
      return {.action = SequenceAction::kError, .code = ErrorCode::kMalformed};
    }
    state_ = State::kChecking;
    return {.action = SequenceAction::kCheckUser, .username = auth.username,
            .password = auth.password};
  }
  if (frame.type == PayloadType::kServerAuth) {
    ServerAuth auth;
    if (Decode(frame.payload, &auth) != DecodeError::kNone) {
      return {.action = SequenceAction::kError, .code = ErrorCode::kMalformed};
    }
    state_ = State::kChecking;
    return {.action = SequenceAction::kCheckPeer, .username = auth.name};
  }
  return {.action = SequenceAction::kError, .code = ErrorCode::kNotAllowed};
}

SequenceStep ServerSequence::UserVerdict(bool valid, uint32_t tries_max) {
  SOLEC_ASSERT(state_ == State::kChecking);
  if (valid) {
    state_ = State::kDone;
    return {.action = SequenceAction::kSuccess};
  }
  state_ = State::kLogin;
  ++tries_;
  const bool last = tries_ >= tries_max;
  return {.action = last ? SequenceAction::kRefuseClose : SequenceAction::kRefuse,
          .code = ErrorCode::kUserAuthFailed};
}

SequenceStep ServerSequence::PeerVerdict(bool valid) {
  SOLEC_ASSERT(state_ == State::kChecking);
  state_ = State::kDone;
  if (valid) return {.action = SequenceAction::kSuccess};
  return {.action = SequenceAction::kRefuseClose, .code = ErrorCode::kServerAuthFailed};
}

SequenceStep DialSequence::OnFrame(const Frame& frame, uint32_t offered) {
  SOLEC_ASSERT(state_ != State::kDone);
  if (frame.type == PayloadType::kTest) return {};
  ErrorCode broken = ErrorCode::kNotAllowed;
  switch (frame.type) {
    case PayloadType::kHandshake: {
      if (state_ != State::kStart) break;
      Handshake handshake;
      broken = ErrorCode::kMalformed;
      if (Decode(frame.payload, &handshake) != DecodeError::kNone) break;
      if (handshake.ver_major != kVersionMajor) return {.action = SequenceAction::kCloseVersion};
      state_ = State::kHandshake;
      return {.action = SequenceAction::kHandshake,
              .features = handshake.features.value_or(0) & offered};
    }
    case PayloadType::kSuccess: {
      Success success;
      broken = ErrorCode::kMalformed;
      if (Decode(frame.payload, &success) != DecodeError::kNone) break;
      state_ = State::kDone;
      return {.action = SequenceAction::kSuccess};
    }
    case PayloadType::kError: {
      Error error;
      broken = ErrorCode::kMalformed;
      if (Decode(frame.payload, &error) != DecodeError::kNone) break;
      return {.action = SequenceAction::kRefused, .code = error.code};
    }
    default:
      break;
  }
  // What begins with something else is no server of this protocol: it is told nothing.
  if (state_ == State::kStart) return {.action = SequenceAction::kClose};
  return {.action = SequenceAction::kError, .code = broken};
}

FrameClass ClassifyClientFrame(PayloadType type, uint32_t features) {
  switch (type) {
    case PayloadType::kMessage:
      return FrameClass::kAllowed;
    case PayloadType::kTest:
      return FrameClass::kIgnored;
    case PayloadType::kPing:
    case PayloadType::kPong:
    case PayloadType::kAccepted:
    case PayloadType::kRejected:
    case PayloadType::kJoin:
    case PayloadType::kLeave:
    case PayloadType::kContactAdd:
    case PayloadType::kContactRemove:
    case PayloadType::kList:
    case PayloadType::kHistoryRequest:
      return (FeaturesThatAllow(type) & features) != 0 ? FrameClass::kAllowed
                                                       : FrameClass::kNotAllowed;
    default:  // reserved, unknown, or only a server may send it
      return FrameClass::kNotAllowed;
  }
}

}  // namespace solec

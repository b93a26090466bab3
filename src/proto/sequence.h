// The handshake and login sequences, as pure state machines: frames in, steps out, no I/O, no
// clock, nothing allocated. A few bytes, since every connection holds them. ServerSequence is the
// accepting side; DialSequence is a server that dials another.
//
// Until Success nothing is sent but what a step says. The caller carries the step out, and while a
// name is being checked (kCheckUser, kCheckPeer) it shows no further frame until the verdict.
#pragma once

#include "proto/codec.h"
#include "proto/frame.h"

namespace solec {

enum class SequenceAction : uint8_t {
  kNothing,      // go on with the next frame
  kHandshake,    // send Handshake with `features` (those that both sides know), go on; who dialled
                 // sends nothing: they are agreed
  kCheckUser,    // check `username` and `password`
  kCheckPeer,    // a server named `username` wants a link
  kSuccess,      // send Success (who dialled: it has come); the login is done
  kRefuse,       // send Error `code`, go on: the client may try again
  kRefuseClose,  // send Error `code` and close: no more tries
  kError,        // send Error `code` and close: the sequence was broken
  kClose,        // close, send nothing: the handshake was broken
  kCloseVersion, // close, send nothing: another ver_major
  kRefused,      // the server that was dialled has sent Error `code`: close
};

struct SequenceStep {
  SequenceAction action = SequenceAction::kNothing;
  ErrorCode code = ErrorCode::kNone;
  uint32_t features = 0;
  std::string_view username{};  // into the frame
  std::string_view password{};  // into the frame
};

class ServerSequence {
 public:
  // `known`: features that this server offers to users.
  SequenceStep OnFrame(const Frame& frame, uint32_t known);

  // What became of the kCheckUser that OnFrame asked for.
  SequenceStep UserVerdict(bool valid, uint32_t tries_max);
  // What became of the kCheckPeer: there is no second try.
  SequenceStep PeerVerdict(bool valid);

  bool handshake_done() const { return state_ != State::kHandshake; }
  bool waits_for_login() const { return state_ == State::kLogin; }

 private:
  enum class State : uint8_t { kHandshake, kLogin, kChecking, kDone };

  State state_ = State::kHandshake;
  uint8_t tries_ = 0;
};

// The side that dialled has sent Handshake with the features it `offered`, and ServerAuth. It sends
// nothing more until kSuccess. A side that knows nothing of extensions sends no Handshake: then no
// feature is agreed.
class DialSequence {
 public:
  SequenceStep OnFrame(const Frame& frame, uint32_t offered);

  bool handshake_came() const { return state_ != State::kStart; }

 private:
  enum class State : uint8_t { kStart, kHandshake, kDone };

  State state_ = State::kStart;
};

// What a logged-in client's frame is, before its payload is looked at.
enum class FrameClass : uint8_t { kAllowed, kIgnored, kNotAllowed };

// `features`: those agreed with this client. Not for servers' links.
FrameClass ClassifyClientFrame(PayloadType type, uint32_t features);

}  // namespace solec

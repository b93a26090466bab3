// A user's session as pure bytes: what the server sent goes in by Receive and comes out of Next as
// events; calls become bytes in output(). No socket, no clock: whoever moves the bytes owns it, and
// one thread uses it. solec::Client wraps it in a blocking socket.
//
// Pings are answered and Tests skipped in here. A payload that breaks the protocol ends the session
// for good: Next returns false, failure() says why.
//
// Bounds: the input held is what was fed and not yet taken, so feed again when Next has returned
// false; the output held is what was called for, so send it before calling again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "client/receipts.h"
#include "proto/frame.h"
#include "proto/payloads.h"

namespace solec {

inline constexpr uint32_t kClientFeatures =
    kFeaturePing | kFeatureReceipts | kFeatureRequests | kFeatureHistory;

// What a server tells a user. Success: logged in. Error before it: the login was refused.
using SessionEvent = std::variant<Success, Error, Message, Accepted, Rejected, Bounce, Result,
                                  ListItem, HistoryItem, Pong>;

enum class SessionFailure : uint8_t {
  kNone,
  kVersion,      // the server speaks another major version
  kMalformed,    // a payload that does not decode
  kNotAllowed,   // a payload that a server may not send at this point
  kWrongNumber,  // an answer for a message that was never sent
};

std::string_view SessionFailureText(SessionFailure failure);

class ClientSession {
 public:
  // Puts the Handshake into the output: the short one if no feature is wanted.
  explicit ClientSession(uint32_t features_wanted = kClientFeatures);

  // --- Bytes in, events out.

  void Receive(Bytes bytes);

  // The next event, if a whole one is there. Its views live until the next Receive.
  bool Next(SessionEvent* event);

  // --- Bytes out.

  Bytes output() const { return AsBytes(output_); }
  void ConsumeOutput(size_t size) { output_.erase(0, size); }

  // --- State.

  bool logged_in() const { return logged_in_; }
  SessionFailure failure() const { return failure_; }
  // What both sides know; 0 until the server's Handshake has come.
  uint32_t features() const { return features_; }
  bool Has(Feature feature) const { return (features_ & feature) != 0; }
  const SentReceipts& receipts() const { return receipts_; }

  // --- Calls. Each is for a time when the protocol allows its payload: Login before Success and
  // not while one waits for its answer, the others after it and with their feature agreed; anything
  // else is a bug of the caller and asserts. False: the fields do not fit into one payload, or are
  // not valid UTF-8, and nothing was put into the output.

  [[nodiscard]] bool Login(std::string_view username, std::string_view password);

  // The message's number is receipts().sent() afterwards.
  [[nodiscard]] bool SendMessage(std::string_view target, std::string_view content, Timestamp time);

  // `up_to`: how many Messages have been handled, from the session's first.
  // (The first, of nothing, is sent by itself after the login: a server that has it counts a
  // message as delivered only when it is named, so a program that looks at none takes none away.)
  void SendAccepted(uint64_t up_to);
  void SendPing(uint32_t token);

  [[nodiscard]] bool SendRequest(const Join& request) { return PutRequest(request); }
  [[nodiscard]] bool SendRequest(const Leave& request) { return PutRequest(request); }
  [[nodiscard]] bool SendRequest(const ContactAdd& request) { return PutRequest(request); }
  [[nodiscard]] bool SendRequest(const ContactRemove& request) { return PutRequest(request); }
  [[nodiscard]] bool SendRequest(const List& request) { return PutRequest(request); }
  [[nodiscard]] bool SendRequest(const HistoryRequest& request) { return PutRequest(request); }

 private:
  // What a frame came to.
  enum class Outcome { kEvent, kSilent, kFailed };

  template <class P>
  [[nodiscard]] bool Put(const P& payload);
  template <class P>
  bool PutRequest(const P& payload);

  Outcome Take(const Frame& frame, SessionEvent* event);
  Outcome TakeHandshake(const Frame& frame);
  Outcome TakeSuccess(const Frame& frame, SessionEvent* event);
  Outcome TakePing(const Frame& frame);
  template <class P>
  Outcome TakeEvent(const Frame& frame, SessionEvent* event);
  Outcome Fail(SessionFailure failure);
  bool MayReceive(PayloadType type) const;

  const uint32_t features_wanted_;
  uint32_t features_ = 0;
  SessionFailure failure_ = SessionFailure::kNone;
  bool handshake_seen_ = false;
  bool login_waits_ = false;
  bool logged_in_ = false;
  SentReceipts receipts_;
  std::string input_;
  size_t input_taken_ = 0;  // bytes of input_ that Next has gone past
  std::string output_;
};

}  // namespace solec

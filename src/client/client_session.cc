#include "client/client_session.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "proto/codec.h"

namespace solec {
namespace {

template <class P>
bool FitsOneFrame(const P& payload) {
  if (PayloadSize(payload) > kPayloadBytesMax) return false;
  bool valid = true;
  ForEachField(payload, [&](std::string_view, const auto& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string_view>) {
      valid = valid && IsValidUtf8(value);
    }
  });
  return valid;
}

}  // namespace

std::string_view SessionFailureText(SessionFailure failure) {
  switch (failure) {
    case SessionFailure::kNone:
      return "no failure";
    case SessionFailure::kVersion:
      return "it speaks another major version of the protocol";
    case SessionFailure::kMalformed:
      return "it sent a malformed payload";
    case SessionFailure::kNotAllowed:
      return "it sent a payload that is not allowed at this point";
    case SessionFailure::kWrongNumber:
      return "it answered for a message that was never sent";
  }
  return "unknown failure";
}

ClientSession::ClientSession(uint32_t features_wanted) : features_wanted_(features_wanted) {
  Handshake handshake;
  if (features_wanted_ != 0) handshake.features = features_wanted_;
  AppendFrame(handshake, &output_);
}

void ClientSession::Receive(Bytes bytes) {
  input_.erase(0, input_taken_);
  input_taken_ = 0;
  input_.append(AsString(bytes));
}

bool ClientSession::Next(SessionEvent* event) {
  while (failure_ == SessionFailure::kNone) {
    Bytes rest = AsBytes(input_).subspan(input_taken_);
    Frame frame;
    if (!TakeFrame(&rest, &frame)) return false;
    input_taken_ = input_.size() - rest.size();
    if (Take(frame, event) == Outcome::kEvent) return true;
  }
  return false;
}

// Until Success a server sends nothing but Handshake, Error and Success; afterwards what needs a
// feature only where that was agreed.
bool ClientSession::MayReceive(PayloadType type) const {
  switch (type) {
    case PayloadType::kHandshake:
      return features_wanted_ != 0 && !handshake_seen_ && !logged_in_;
    case PayloadType::kSuccess:
      return login_waits_;
    case PayloadType::kError:
      return true;
    case PayloadType::kMessage:
      return logged_in_;
    default:
      return logged_in_ && (FeaturesThatAllow(type) & features_) != 0;
  }
}

ClientSession::Outcome ClientSession::Take(const Frame& frame, SessionEvent* event) {
  if (frame.type == PayloadType::kTest) return Outcome::kSilent;
  if (!MayReceive(frame.type)) return Fail(SessionFailure::kNotAllowed);
  switch (frame.type) {
    case PayloadType::kHandshake:
      return TakeHandshake(frame);
    case PayloadType::kSuccess:
      return TakeSuccess(frame, event);
    case PayloadType::kError:
      login_waits_ = false;
      return TakeEvent<Error>(frame, event);
    case PayloadType::kMessage:
      return TakeEvent<Message>(frame, event);
    case PayloadType::kPing:
      return TakePing(frame);
    case PayloadType::kPong:
      return TakeEvent<Pong>(frame, event);
    case PayloadType::kAccepted: {
      const Outcome outcome = TakeEvent<Accepted>(frame, event);
      if (outcome != Outcome::kEvent) return outcome;
      if (receipts_.OnAccepted(std::get<Accepted>(*event).up_to)) return outcome;
      return Fail(SessionFailure::kWrongNumber);
    }
    case PayloadType::kRejected: {
      const Outcome outcome = TakeEvent<Rejected>(frame, event);
      if (outcome != Outcome::kEvent) return outcome;
      const auto& rejected = std::get<Rejected>(*event);
      if (receipts_.OnRejected(rejected.number, rejected.code)) return outcome;
      return Fail(SessionFailure::kWrongNumber);
    }
    case PayloadType::kBounce:
      return TakeEvent<Bounce>(frame, event);
    case PayloadType::kResult:
      return TakeEvent<Result>(frame, event);
    case PayloadType::kListItem:
      return TakeEvent<ListItem>(frame, event);
    case PayloadType::kHistoryItem:
      return TakeEvent<HistoryItem>(frame, event);
    default:
      return Fail(SessionFailure::kNotAllowed);
  }
}

ClientSession::Outcome ClientSession::TakeHandshake(const Frame& frame) {
  Handshake handshake;
  if (Decode(frame.payload, &handshake) != DecodeError::kNone) {
    return Fail(SessionFailure::kMalformed);
  }
  if (handshake.ver_major != kVersionMajor) return Fail(SessionFailure::kVersion);
  handshake_seen_ = true;
  features_ = handshake.features.value_or(0) & features_wanted_;
  return Outcome::kSilent;
}

ClientSession::Outcome ClientSession::TakeSuccess(const Frame& frame, SessionEvent* event) {
  login_waits_ = false;
  logged_in_ = true;
  const Outcome outcome = TakeEvent<Success>(frame, event);
  if (outcome == Outcome::kEvent && Has(kFeatureReceipts)) SendAccepted(0);
  return outcome;
}

ClientSession::Outcome ClientSession::TakePing(const Frame& frame) {
  Ping ping;
  if (Decode(frame.payload, &ping) != DecodeError::kNone) return Fail(SessionFailure::kMalformed);
  AppendFrame(Pong{.token = ping.token}, &output_);
  return Outcome::kSilent;
}

template <class P>
ClientSession::Outcome ClientSession::TakeEvent(const Frame& frame, SessionEvent* event) {
  if (Decode(frame.payload, &event->emplace<P>()) != DecodeError::kNone) {
    return Fail(SessionFailure::kMalformed);
  }
  return Outcome::kEvent;
}

ClientSession::Outcome ClientSession::Fail(SessionFailure failure) {
  failure_ = failure;
  return Outcome::kFailed;
}

template <class P>
bool ClientSession::Put(const P& payload) {
  if (!FitsOneFrame(payload)) return false;
  AppendFrame(payload, &output_);
  return true;
}

template <class P>
bool ClientSession::PutRequest(const P& payload) {
  SOLEC_ASSERT(logged_in_ && (FeaturesThatAllow(P::kType) & features_) != 0);
  return Put(payload);
}

template bool ClientSession::PutRequest(const Join&);
template bool ClientSession::PutRequest(const Leave&);
template bool ClientSession::PutRequest(const ContactAdd&);
template bool ClientSession::PutRequest(const ContactRemove&);
template bool ClientSession::PutRequest(const List&);
template bool ClientSession::PutRequest(const HistoryRequest&);

bool ClientSession::Login(std::string_view username, std::string_view password) {
  SOLEC_ASSERT(!logged_in_ && !login_waits_);
  login_waits_ = Put(UserAuth{.username = username, .password = password});
  return login_waits_;
}

// The source stays empty: the server fills it in, and it is the cheapest.
bool ClientSession::SendMessage(std::string_view target, std::string_view content, Timestamp time) {
  SOLEC_ASSERT(logged_in_);
  const Message message{
      .source = {}, .target = target, .timestamp = time, .message_content = content};
  if (!Put(message)) return false;
  receipts_.Count();
  return true;
}

void ClientSession::SendAccepted(uint64_t up_to) {
  SOLEC_ASSERT(logged_in_ && Has(kFeatureReceipts));
  AppendFrame(Accepted{.up_to = up_to}, &output_);
}

void ClientSession::SendPing(uint32_t token) {
  SOLEC_ASSERT(logged_in_ && Has(kFeaturePing));
  AppendFrame(Ping{.token = token}, &output_);
}

}  // namespace solec

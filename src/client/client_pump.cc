#include <array>
#include <utility>
#include <variant>

#include "client/client.h"
#include "client/error_status.h"

// The part of Client that moves bytes and turns what arrived into queued events and answers.

namespace solec {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kEventBytes = 128;  // what an event costs in the queue besides its text

bool ServerHangsUpAfter(ErrorCode code) {
  return code == ErrorCode::kMalformed || code == ErrorCode::kNotAllowed ||
         code == ErrorCode::kShuttingDown || code == ErrorCode::kTooSlow;
}

ReceivedMessage Own(const auto& message) {
  return {.source = std::string(message.source),
          .target = std::string(message.target),
          .timestamp = message.timestamp.seconds,
          .content = std::string(message.message_content)};
}

}  // namespace

absl::Status Client::PumpUntil(Deadline deadline, const std::function<bool()>& done) {
  bool waited = false;
  for (;;) {
    TakeEvents();
    if (done()) return absl::OkStatus();
    if (!ended_.ok()) return ended_;
    const bool late = waited && deadline.Passed();
    if (late && !socket_.HasBuffered()) return absl::DeadlineExceededError("");
    const bool room = QueueHasRoom();
    if (room) KeepAlive();
    SendReceipts(/*idle=*/queue_.empty());
    WriteOutput();
    if (done()) return absl::OkStatus();
    const bool writes = !session_.output().empty();
    if (!room && !writes) {
      return absl::ResourceExhaustedError(
          "too many events wait to be taken; take them before asking for more");
    }
    socket_.Wait(room, writes, room ? deadline.OrEarlier(NextKeepAlive()) : deadline);
    waited = true;
    if (room) ReadInput();
  }
}

void Client::WriteOutput() {
  while (ended_.ok() && !session_.output().empty()) {
    const Socket::Transfer written = socket_.Write(session_.output());
    if (written.outcome == Socket::Outcome::kWouldBlock) return;
    if (written.outcome == Socket::Outcome::kBroken) {
      // What the server said before it hung up is still to be read, and tells more than EPIPE.
      ReadInput();
      TakeEvents();
      return EndBroken("the connection broke: " + written.error);
    }
    session_.ConsumeOutput(written.size);
  }
}

void Client::ReadInput() {
  std::array<uint8_t, kReadBytes> buffer;
  const Socket::Transfer read = socket_.Read(buffer.data(), buffer.size());
  switch (read.outcome) {
    case Socket::Outcome::kMoved:
      session_.Receive(Bytes(buffer.data(), read.size));
      last_received_ms_ = SteadyNowMs();
      pinged_ms_ = 0;
      return;
    case Socket::Outcome::kWouldBlock:
      return;
    case Socket::Outcome::kEnd:
      return EndBroken("it closed the connection");
    case Socket::Outcome::kBroken:
      return EndBroken("the connection broke: " + read.error);
  }
}

void Client::EndBroken(std::string_view how) {
  TakeEvents();
  if (closing_) {
    End(absl::CancelledError("the session was closed"));
  } else if (closing_error_ != ErrorCode::kNone) {
    End(StatusOfError(closing_error_, server_ + " ended the session"));
  } else {
    End(absl::UnavailableError("lost " + server_ + ": " + std::string(how)));
  }
}

void Client::End(absl::Status why) {
  if (ended_.ok()) ended_ = std::move(why);
}

void Client::TakeEvents() {
  SessionEvent event;
  while (QueueHasRoom() && session_.Next(&event)) {
    std::visit([this](const auto& payload) { On(payload); }, event);
  }
  if (session_.failure() == SessionFailure::kNone) return;
  End(absl::InternalError(
      server_ + " broke the protocol: " + std::string(SessionFailureText(session_.failure()))));
}

void Client::Queue(ClientEvent event, size_t bytes) {
  bytes += kEventBytes;
  queue_.push_back({std::move(event), bytes});
  queue_bytes_ += bytes;
}

void Client::On(const Message& message) {
  if (!options_.takes_messages && Has(kFeatureReceipts)) return;
  Queue(Own(message), message.message_content.size());
}

void Client::On(const Error& error) {
  if (!session_.logged_in()) {
    login_error_ = error.code;
    return;
  }
  if (ServerHangsUpAfter(error.code)) closing_error_ = error.code;
  Queue(ServerError{error.code}, 0);
}

void Client::On(const Accepted& accepted) {
  // They are cumulative, and a program that only sends does not come for them.
  if (!queue_.empty()) {
    if (auto* last = std::get_if<MessagesAccepted>(&queue_.back().event)) {
      last->up_to = accepted.up_to;
      return;
    }
  }
  Queue(MessagesAccepted{accepted.up_to}, 0);
}

void Client::On(const Rejected& rejected) {
  Queue(MessageRejected{rejected.number, rejected.code}, 0);
}

void Client::On(const Bounce& bounce) {
  Queue(MessageBounced{std::string(bounce.target), bounce.timestamp.seconds, bounce.code},
        bounce.target.size());
}

Client::Answer* Client::AnswerFor(uint16_t tag, size_t bytes) {
  if (answer_ == nullptr || answer_->tag != tag) return nullptr;
  answer_->bytes += bytes;
  answer_->too_large = answer_->too_large || answer_->bytes > options_.answer_bytes_max;
  return answer_;
}

void Client::On(const Result& result) {
  if (Answer* answer = AnswerFor(result.tag, 0)) answer->result = result.code;
}

void Client::On(const ListItem& item) {
  Answer* answer = AnswerFor(item.tag, item.address.size() + kEventBytes);
  if (answer == nullptr || answer->too_large) return;
  answer->list.push_back({std::string(item.address), (item.flags & kListItemAgreed) != 0});
}

void Client::On(const HistoryItem& item) {
  Answer* answer = AnswerFor(item.tag, item.message_content.size() + kEventBytes);
  if (answer == nullptr || answer->too_large) return;
  answer->history.push_back({item.position, Own(item)});
}

void Client::KeepAlive() {
  if (!session_.logged_in() || !Has(kFeaturePing) || closing_) return;
  const int64_t now_ms = SteadyNowMs();
  if (pinged_ms_ == 0) {
    if (now_ms - last_received_ms_ < options_.ping_interval_ms) return;
    session_.SendPing(static_cast<uint32_t>(now_ms));
    pinged_ms_ = now_ms;
  } else if (now_ms - pinged_ms_ >= options_.ping_timeout_ms) {
    End(absl::UnavailableError(server_ + " has been silent for " +
                               TextOfMs(now_ms - last_received_ms_) +
                               "; the connection is broken"));
  }
}

Deadline Client::NextKeepAlive() const {
  if (!session_.logged_in() || !Has(kFeaturePing) || closing_) return Deadline::Never();
  const int64_t due_ms = pinged_ms_ == 0 ? last_received_ms_ + options_.ping_interval_ms
                                         : pinged_ms_ + options_.ping_timeout_ms;
  return Deadline::In(due_ms - SteadyNowMs());
}

}  // namespace solec

#include "client/client.h"

#include <utility>

#include "client/error_status.h"

namespace solec {
namespace {

constexpr size_t kOutputBytesMax = size_t{256} << 10;
}  // namespace

Client::Client(Socket socket, const ClientOptions& options)
    : options_(options),
      server_(options.server.ToString()),
      socket_(std::move(socket)),
      session_(options.features),
      last_received_ms_(SteadyNowMs()) {}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  const int64_t begin_ms = SteadyNowMs();
  absl::StatusOr<Socket> socket =
      Socket::Connect(options.server, Deadline::In(options.login_timeout_ms));
  if (!socket.ok()) return socket.status();
  if (options.tls.has_value()) {
    const int64_t left_ms = options.login_timeout_ms - (SteadyNowMs() - begin_ms);
    const absl::Status encrypted =
        socket->StartTls(*options.tls, options.server.ToString(), Deadline::In(left_ms));
    if (!encrypted.ok()) return encrypted;
  }
  ClientOptions rest = options;
  rest.login_timeout_ms -= SteadyNowMs() - begin_ms;
  return Login(*std::move(socket), rest);
}

absl::StatusOr<std::unique_ptr<Client>> Client::Login(Socket socket, const ClientOptions& options) {
  std::unique_ptr<Client> client(new Client(std::move(socket), options));
  if (!client->session_.Login(options.user, options.password)) {
    return absl::InvalidArgumentError(
        "user name or password is not valid UTF-8, or too long to be sent");
  }
  const absl::Status status = client->WaitForLogin(Deadline::In(options.login_timeout_ms));
  if (!status.ok()) return status;
  return client;
}

absl::Status Client::WaitForLogin(Deadline deadline) {
  const absl::Status status = PumpUntil(
      deadline, [this] { return session_.logged_in() || login_error_ != ErrorCode::kNone; });
  if (login_error_ != ErrorCode::kNone) {
    const absl::Status refused =
        StatusOfError(login_error_, "login of '" + options_.user + "' at " + server_);
    // Nothing was lost or broken: the server says when to come again.
    if (login_error_ == ErrorCode::kUnavailable) {
      return absl::UnavailableError(std::string(refused.message()));
    }
    return refused;
  }
  if (absl::IsDeadlineExceeded(status)) {
    return absl::UnavailableError(server_ +
                                  " took the connection but did not finish the login in time; is "
                                  "it a SOLEC server?");
  }
  return status;
}

absl::StatusOr<std::optional<ClientEvent>> Client::Next(int64_t timeout_ms) {
  CountHandled();
  if (queue_.empty()) {
    const Deadline deadline = timeout_ms < 0 ? Deadline::Never() : Deadline::In(timeout_ms);
    const absl::Status status = PumpUntil(deadline, [this] { return !queue_.empty(); });
    if (absl::IsDeadlineExceeded(status)) return std::optional<ClientEvent>();
    if (!status.ok()) return status;
  } else {
    SendReceipts(/*idle=*/false);
    WriteOutput();
  }
  QueuedEvent next = std::move(queue_.front());
  queue_.pop_front();
  queue_bytes_ -= next.bytes;
  message_handed_out_ = std::holds_alternative<ReceivedMessage>(next.event);
  return std::optional<ClientEvent>(std::move(next.event));
}

absl::Status Client::Poll(int64_t timeout_ms,
                          const std::function<void(const ClientEvent&)>& on_event) {
  for (;;) {
    absl::StatusOr<std::optional<ClientEvent>> event = Next(timeout_ms);
    if (!event.ok()) return event.status();
    if (!event->has_value()) return absl::OkStatus();
    on_event(**event);
    timeout_ms = 0;
  }
}

absl::StatusOr<uint64_t> Client::Send(std::string_view target, std::string_view content,
                                      uint64_t timestamp) {
  CountHandled();
  if (content.size() > kContentBytesMax) {
    return absl::InvalidArgumentError("a message of " + std::to_string(content.size()) +
                                      " bytes is too long; at most " +
                                      std::to_string(kContentBytesMax) + " bytes fit");
  }
  const absl::Status room = PumpUntil(Deadline::In(options_.answer_timeout_ms), [this] {
    const bool unanswered_full = Has(kFeatureReceipts) && receipts().full();
    return ended_.ok() && !unanswered_full && session_.output().size() < kOutputBytesMax;
  });
  if (absl::IsDeadlineExceeded(room)) {
    return absl::DeadlineExceededError(server_ + " took nothing more for " +
                                       TextOfMs(options_.answer_timeout_ms));
  }
  if (!room.ok()) return room;
  if (!session_.SendMessage(target, content, Timestamp{timestamp})) {
    return absl::InvalidArgumentError(
        "the target or the text is not valid UTF-8, or the target is too long");
  }
  WriteOutput();
  return receipts().sent();
}

absl::Status Client::WaitAccepted(uint64_t number) {
  CountHandled();
  if (!Has(kFeatureReceipts)) {
    return absl::UnimplementedError(server_ + " gives no receipts (feature not agreed)");
  }
  if (number > receipts().sent()) {
    return absl::InvalidArgumentError("message " + std::to_string(number) + " was never sent");
  }
  while (receipts().answered() < number) {
    const uint64_t before = receipts().answered();
    const absl::Status status = PumpUntil(Deadline::In(options_.answer_timeout_ms),
                                          [&] { return receipts().answered() > before; });
    if (absl::IsDeadlineExceeded(status)) {
      return absl::DeadlineExceededError(server_ + " confirmed no message for " +
                                         TextOfMs(options_.answer_timeout_ms));
    }
    if (!status.ok()) return status;
  }
  return StatusOfError(receipts().CodeOf(number), "message " + std::to_string(number));
}

absl::Status Client::Close() {
  CountHandled();
  if (!ended_.ok()) {
    socket_.Close();
    return absl::OkStatus();
  }
  closing_ = true;
  if (session_.logged_in()) SendReceipts(/*idle=*/true);
  const Deadline deadline = Deadline::In(options_.close_timeout_ms);
  absl::Status status = PumpUntil(deadline, [this] { return session_.output().empty(); });
  socket_.FinishWriting();
  if (status.ok()) status = PumpUntil(deadline, [this] { return !ended_.ok(); });
  End(absl::CancelledError("the session was closed"));
  socket_.Close();
  if (!absl::IsDeadlineExceeded(status)) return status;
  return absl::DeadlineExceededError(server_ + " did not hang up within " +
                                     TextOfMs(options_.close_timeout_ms));
}

void Client::CountHandled() {
  if (!message_handed_out_) return;
  message_handed_out_ = false;
  received_.OnHandled(SteadyNowMs());
}

void Client::SendReceipts(bool idle) {
  if (!session_.logged_in() || !Has(kFeatureReceipts) || !ended_.ok()) return;
  if (const std::optional<uint64_t> up_to = received_.TakeDue(SteadyNowMs(), idle)) {
    session_.SendAccepted(*up_to);
  }
}

}  // namespace solec

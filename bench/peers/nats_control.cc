#include "bench/peers/nats_control.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/peers/nats_frames.h"

namespace solec {
namespace {

constexpr const char* kInbox = "_INBOX.control";

// What JetStream's API answered, unless it is an error.
absl::StatusOr<nlohmann::json> ParseAnswer(const std::string& about, const std::string& text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return absl::AbortedError(about + ": not an answer: " + text);
  if (json.contains("error")) return absl::AbortedError(about + ": " + json["error"].dump());
  return json;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NatsControl>> NatsControl::Connect(const ServerAddress& server) {
  absl::StatusOr<int> fd = MakeSocket(server);
  if (!fd.ok()) return fd.status();
  std::unique_ptr<NatsControl> control(new NatsControl(*fd));
  if (connect(*fd, reinterpret_cast<const sockaddr*>(&server.address), server.size) != 0) {
    return absl::UnavailableError("cannot connect to " + server.text + ": " + std::strerror(errno));
  }
  absl::Status status = control->Send("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB " +
                                      std::string(kInbox) + " 1\r\nPING\r\n");
  if (status.ok()) status = control->Receive(true).status();
  if (status.ok()) return control;
  return absl::UnavailableError(server.text + ": " + std::string(status.message()));
}

NatsControl::~NatsControl() {
  close(fd_);
}

absl::Status NatsControl::Send(const std::string& words) {
  size_t sent = 0;
  while (sent < words.size()) {
    const ssize_t size = send(fd_, words.data() + sent, words.size() - sent, MSG_NOSIGNAL);
    if (size < 0) return absl::AbortedError(std::string("sending failed: ") + std::strerror(errno));
    sent += static_cast<size_t>(size);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> NatsControl::Receive(bool until_pong) {
  while (true) {
    std::string_view stream = received_;
    NatsFrame frame;
    const NatsTaken taken = TakeNatsFrame(&stream, &frame);
    if (taken == NatsTaken::kMalformed) return absl::AbortedError("this is no NATS server");
    if (taken == NatsTaken::kWhole) {
      if (frame.kind == NatsKind::kError) {
        return absl::AbortedError("the server said" + std::string(frame.payload));
      }
      const std::string payload(frame.payload);
      const bool done = frame.kind == (until_pong ? NatsKind::kPong : NatsKind::kMessage);
      const bool ping = frame.kind == NatsKind::kPing;
      received_.erase(0, received_.size() - stream.size());
      if (done) return payload;
      if (!ping) continue;
      if (absl::Status status = Send("PONG\r\n"); !status.ok()) return status;
      continue;
    }
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, kAnswerMs) <= 0) return absl::AbortedError("no answer");
    char buffer[4096];
    const ssize_t size = recv(fd_, buffer, sizeof(buffer), 0);
    if (size <= 0) return absl::AbortedError("the server ended the connection");
    received_.append(buffer, static_cast<size_t>(size));
  }
}

absl::StatusOr<std::string> NatsControl::Request(const std::string& subject,
                                                 const std::string& payload) {
  absl::Status status = Send("PUB " + subject + " " + kInbox + " " +
                             std::to_string(payload.size()) + "\r\n" + payload + "\r\n");
  if (!status.ok()) return status;
  absl::StatusOr<std::string> answer = Receive(false);
  if (answer.ok()) return answer;
  return absl::AbortedError(subject + ": " + std::string(answer.status().message()) +
                            "; was the server started with JetStream (-js)?");
}

absl::Status NatsControl::CreateStream(const std::string& name, const std::string& subjects) {
  const nlohmann::ordered_json config = {
      {"name", name}, {"subjects", {subjects}}, {"storage", "file"}, {"num_replicas", 1}};
  absl::StatusOr<std::string> answer = Request("$JS.API.STREAM.CREATE." + name, config.dump());
  if (!answer.ok()) return answer.status();
  return ParseAnswer("stream " + name, *answer).status();
}

absl::StatusOr<uint64_t> NatsControl::CountMessages(const std::string& name) {
  absl::StatusOr<std::string> answer = Request("$JS.API.STREAM.INFO." + name, "");
  if (!answer.ok()) return answer.status();
  absl::StatusOr<nlohmann::json> json = ParseAnswer("stream " + name, *answer);
  if (!json.ok()) return json.status();
  const auto count = json->value("/state/messages"_json_pointer, nlohmann::json());
  if (!count.is_number_unsigned()) return absl::AbortedError("stream " + name + ": no count");
  return count.get<uint64_t>();
}

}  // namespace solec

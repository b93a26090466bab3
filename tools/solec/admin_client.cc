#include "tools/solec/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace solec {
namespace {

using Json = nlohmann::json;

absl::Status WhyNotConnected(const std::string& path, int error) {
  const std::string what = "cannot reach the server at its admin socket " + path + ": ";
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return absl::UnavailableError(what +
                                    "no server is running there; start solecd, or give the right "
                                    "--config or --socket");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(what +
                                         "no permission; run this as the user that solecd "
                                         "runs as");
    default:
      return absl::UnavailableError(what + std::strerror(error));
  }
}

absl::StatusCode CodeOf(const std::string& code) {
  if (code == "not_found") return absl::StatusCode::kNotFound;
  if (code == "exists") return absl::StatusCode::kAlreadyExists;
  if (code == "over_limit") return absl::StatusCode::kResourceExhausted;
  if (code == "unavailable") return absl::StatusCode::kAborted;
  if (code == "usage") return absl::StatusCode::kInvalidArgument;
  // "invalid": the command was understood, but its values will not do.
  return absl::StatusCode::kFailedPrecondition;
}

std::string StringOr(const Json& object, const char* key, const char* otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace

absl::StatusOr<Json> TakeAdminAnswer(const std::string& line) {
  Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto ok = answer.is_object() ? answer.find("ok") : answer.end();
  if (ok == answer.end() || !ok->is_boolean()) {
    return absl::InternalError("what came from the admin socket is no answer of solecd: " +
                               line.substr(0, 200));
  }
  if (ok->get<bool>()) return answer;
  return absl::Status(CodeOf(StringOr(answer, "code", "")),
                      StringOr(answer, "error", "the server refused, and did not say why"));
}

absl::StatusOr<AdminClient> AdminClient::Connect(const std::string& path, int64_t timeout_ms,
                                                 bool* nobody_listens) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("'" + path + "' cannot be the path of a socket: it has to " +
                                      "have 1 to " + std::to_string(sizeof(address.sun_path) - 1) +
                                      " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  AdminClient client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), timeout_ms);
  if (connect(client.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    if (nobody_listens != nullptr) *nobody_listens = error == ENOENT || error == ECONNREFUSED;
    return WhyNotConnected(path, error);
  }
  return client;
}

AdminClient::AdminClient(int fd, int64_t timeout_ms) : fd_(fd), timeout_ms_(timeout_ms) {
  const timeval patience{.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

AdminClient::AdminClient(AdminClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      timeout_ms_(other.timeout_ms_),
      input_(std::move(other.input_)) {}

AdminClient::~AdminClient() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<Json> AdminClient::Ask(const Json& request) {
  const absl::Status sent = SendLine(request.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!sent.ok()) return sent;
  const absl::StatusOr<std::string> line = ReadLine();
  if (!line.ok()) return line.status();
  return TakeAdminAnswer(*line);
}

absl::Status AdminClient::SendLine(std::string line) {
  line += '\n';
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t count = send(fd_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return absl::UnavailableError(std::string("the connection to the admin socket broke: ") +
                                    std::strerror(errno));
    }
    sent += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AdminClient::ReadLine() {
  size_t searched = 0;
  for (;;) {
    if (const size_t end = input_.find('\n', searched); end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    searched = input_.size();
    if (input_.size() > kAnswerBytesMax) {
      return absl::ResourceExhaustedError("the server's answer is longer than " +
                                          std::to_string(kAnswerBytesMax) + " bytes");
    }
    char buffer[16 * 1024];
    const ssize_t count = recv(fd_, buffer, sizeof(buffer), 0);
    if (count > 0) {
      input_.append(buffer, static_cast<size_t>(count));
    } else if (count == 0) {
      return absl::UnavailableError("the server closed its admin socket without an answer");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return absl::DeadlineExceededError("the server did not answer at its admin socket within " +
                                         std::to_string(timeout_ms_) + " ms");
    } else if (errno != EINTR) {
      return absl::UnavailableError(std::string("the connection to the admin socket broke: ") +
                                    std::strerror(errno));
    }
  }
}

}  // namespace solec

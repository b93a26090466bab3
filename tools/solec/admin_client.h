// Talks to a running solecd through its admin socket: one JSON object a line each way. Blocking;
// one owner, one thread. Bounds: a wait per answer, kAnswerBytesMax for one answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace solec {

// An answer to an administrator's command, which has "ok": true. Refusals come as kNotFound,
// kAlreadyExists, kResourceExhausted, … with their own text; kInternal if it is no answer.
absl::StatusOr<nlohmann::json> TakeAdminAnswer(const std::string& line);

class AdminClient {
 public:
  static constexpr size_t kAnswerBytesMax = size_t{256} << 20;

  // kUnavailable if nobody listens at `path` (then `nobody_listens` is set, if it is given),
  // kPermissionDenied if this user may not; the texts say what to do.
  static absl::StatusOr<AdminClient> Connect(const std::string& path, int64_t timeout_ms,
                                             bool* nobody_listens = nullptr);

  // For tests: over a connected stream socket, which it owns from now on.
  AdminClient(int fd, int64_t timeout_ms);
  AdminClient(AdminClient&& other) noexcept;
  AdminClient& operator=(AdminClient&&) = delete;
  ~AdminClient();

  // Sends one request and returns its answer, as TakeAdminAnswer does.
  absl::StatusOr<nlohmann::json> Ask(const nlohmann::json& request);

 private:
  absl::Status SendLine(std::string line);
  absl::StatusOr<std::string> ReadLine();

  int fd_;
  int64_t timeout_ms_;
  std::string input_;  // what came after the last line
};

}  // namespace solec

// One connection to a NATS server for what is asked once: a stream is made, its state is read. It
// blocks, for at most kAnswerMs each time. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bench/server_address.h"

namespace solec {

class NatsControl {
 public:
  static constexpr int kAnswerMs = 10'000;

  // kUnavailable if nobody answers there, or not as NATS does.
  static absl::StatusOr<std::unique_ptr<NatsControl>> Connect(const ServerAddress& server);
  ~NatsControl();

  // A stream on disk, one replica, that keeps all that is published to `subjects`.
  absl::Status CreateStream(const std::string& name, const std::string& subjects);
  // How many messages it holds.
  absl::StatusOr<uint64_t> CountMessages(const std::string& name);

 private:
  explicit NatsControl(int fd) : fd_(fd) {}

  absl::Status Send(const std::string& words);
  // Reads until a message comes and returns its payload; or until PONG, and returns nothing.
  absl::StatusOr<std::string> Receive(bool until_pong);
  absl::StatusOr<std::string> Request(const std::string& subject, const std::string& payload);

  int fd_;
  std::string received_;
};

}  // namespace solec

// The administrator's Unix socket: a command a line, an answer a line (commands.h). Only the user
// that the server runs as may open it.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "admin/commands.h"

namespace solec {

class AdminSocket {
 public:
  // Binds `path` (a socket that a dead server left there is replaced) and serves it on a thread.
  // Errors: Unavailable if a live server has it, PermissionDenied, InvalidArgument (too long).
  static absl::StatusOr<std::unique_ptr<AdminSocket>> Start(const std::string& path,
                                                            AdminContext context);
  ~AdminSocket();  // stops, and removes the socket

 private:
  AdminSocket(std::string path, AdminContext context, int listener, int stop);
  void Serve();

  const std::string path_;
  const AdminContext context_;
  const int listener_;
  const int stop_;  // an eventfd: written to end Serve
  std::thread thread_;
};

}  // namespace solec

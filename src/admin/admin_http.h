// The administrator's HTTP port: /metrics (Prometheus), /livez and /readyz (for balancers), /varz,
// /connz and /linkz (JSON), and a page at / that shows them live. It changes nothing.
// Served by a few threads, a request a connection; bodies are refused unread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "admin/commands.h"

namespace solec {

class AdminHttp {
 public:
  // "127.0.0.1:7680"; port 0: any free one. Errors: InvalidArgument, Unavailable (in use),
  // PermissionDenied (port).
  static absl::StatusOr<std::unique_ptr<AdminHttp>> Start(const std::string& endpoint,
                                                          AdminContext context);
  ~AdminHttp();

  const std::string& address() const;
  // What /readyz says: 200, or 503 while the server drains.
  void SetReady(bool ready);

 private:
  struct Impl;
  explicit AdminHttp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace solec

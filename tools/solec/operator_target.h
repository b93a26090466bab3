// Where the commands of operators go: to the running server, or, if none runs, to the store that
// its config names. Blocking; one owner, one thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "server/closed_store.h"
#include "tools/solec/admin_client.h"
#include "tools/solec/admin_options.h"

namespace solec {

class OperatorTarget {
 public:
  // kUnavailable if no server runs and there is no store to open instead, or if `needs_server`.
  static absl::StatusOr<OperatorTarget> Find(const AdminOptions& options, bool needs_server);

  // As AdminClient::Ask. A store is opened for the one request only.
  absl::StatusOr<nlohmann::json> Ask(const nlohmann::json& request);

  // The store, if no server runs; while it is open none can.
  absl::StatusOr<std::unique_ptr<ClosedStore>> OpenStore() const;

  // Null if no server runs.
  AdminClient* server() { return server_ ? &*server_ : nullptr; }
  // The server's, if the flags name a config file.
  const std::optional<Config>& config() const { return config_; }

 private:
  OperatorTarget() = default;

  std::optional<AdminClient> server_;
  std::optional<Config> config_;
};

}  // namespace solec

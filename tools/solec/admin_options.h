// The flags that all verbs of operators share: which server.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "tools/solec/admin_client.h"

namespace solec {

struct AdminOptions {
  std::string config;   // the server's config file
  std::string socket;   // the admin socket itself; wins over `config`
  std::string timeout;  // empty: the default
  bool json = false;
};

// Adds the shared flags to a verb. `options` lives as long as the verb.
void AddAdminOptions(CLI::App* verb, AdminOptions* options);

// How long to wait for an answer, in milliseconds.
absl::StatusOr<int64_t> TimeoutMs(const AdminOptions& options);

// A connection to the running server that the flags name; the errors of AdminClient::Connect.
absl::StatusOr<AdminClient> ConnectAdmin(const AdminOptions& options,
                                         bool* nobody_listens = nullptr);

}  // namespace solec

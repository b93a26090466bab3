// The flags that all verbs of people share: which account, which server, how to get in.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/client.h"

namespace solec {

struct AccountOptions {
  std::string user;     // USER@SERVER, or USER with --connect
  std::string connect;  // HOST:PORT; empty: the server part, at the protocol's port
  std::string password_file;
  std::string timeout;  // empty: the default
  bool json = false;
  bool tls = false;
  std::string tls_ca;
  bool insecure = false;
};

// Adds USER@SERVER and the shared flags to a verb. `options` lives as long as the verb.
void AddAccountOptions(CLI::App* verb, AccountOptions* options);

// What to connect with; asks for the password where that is needed. kInvalidArgument with a text
// that says which flag is wrong and what was expected.
absl::StatusOr<ClientOptions> ResolveAccount(const AccountOptions& options);

// A session that is logged in, for a verb that does not care for messages: those that arrive stay
// the server's, for the user's next `listen` or `chat`.
absl::StatusOr<std::unique_ptr<Client>> LogIn(const AccountOptions& options);

}  // namespace solec

#include "tools/solec/account_options.h"

#include "proto/address.h"
#include "tools/solec/duration.h"
#include "tools/solec/password.h"

namespace solec {

void AddAccountOptions(CLI::App* verb, AccountOptions* options) {
  verb->add_option("USER@SERVER", options->user, "Your own address")->required()->type_name("");
  verb->add_option("--connect", options->connect,
                   "Where the server is [the server part of the address, port 7653, with TLS 7654]")
      ->type_name("HOST:PORT");
  verb->add_option("--password-file", options->password_file,
                   "Its first line is the password; - : standard input [SOLEC_PASSWORD, or the "
                   "terminal is asked]")
      ->type_name("FILE");
  verb->add_option("--timeout", options->timeout,
                   "How long to wait for login and for answers: 500ms, 10s, 2m [10s]")
      ->type_name("TIME");
  verb->add_flag("--json", options->json, "One JSON object per line on standard output");
  verb->add_flag("--tls", options->tls, "Encrypt, and check the server's certificate");
  verb->add_option("--tls-ca", options->tls_ca,
                   "--tls, and trust these certificates instead of this system's")
      ->type_name("FILE");
  verb->add_flag("--insecure", options->insecure,
                 "--tls without a check: anybody could be the server");
}

absl::StatusOr<ClientOptions> ResolveAccount(const AccountOptions& options) {
  const bool tls = options.tls || !options.tls_ca.empty() || options.insecure;
  if (options.insecure && !options.tls_ca.empty()) {
    return absl::InvalidArgumentError("--insecure checks nothing, so --tls-ca has no use with it");
  }
  Address address;
  if (!ParseAddress(options.user, &address) || address.is_channel()) {
    return absl::InvalidArgumentError("'" + options.user +
                                      "' is no user's address; write for example "
                                      "alice@a.example");
  }
  ClientOptions resolved;
  resolved.user = options.user;
  if (options.connect.empty() && address.server.empty()) {
    return absl::InvalidArgumentError("'" + options.user +
                                      "' does not say which server: write USER@SERVER, or give "
                                      "--connect HOST:PORT");
  }
  absl::StatusOr<Endpoint> server = ParseEndpoint(
      options.connect.empty() ? address.server : std::string_view(options.connect),
      tls ? kPortTls : kPortPlain);
  if (!server.ok()) return server.status();
  if (tls) {
    // The certificate is for the server that the user means, wherever that is reached.
    const std::string name(address.server.empty() ? std::string_view(server->host)
                                                  : address.server);
    resolved.tls = TlsClientOptions{name, options.tls_ca, options.insecure};
  }
  resolved.server = *std::move(server);
  if (!options.timeout.empty()) {
    const absl::StatusOr<int64_t> timeout_ms = ParseDurationMs(options.timeout);
    if (!timeout_ms.ok()) return timeout_ms.status();
    resolved.login_timeout_ms = *timeout_ms;
    resolved.answer_timeout_ms = *timeout_ms;
  }
  absl::StatusOr<std::string> password = FindPassword(options.password_file, options.user);
  if (!password.ok()) return password.status();
  resolved.password = *std::move(password);
  return resolved;
}

absl::StatusOr<std::unique_ptr<Client>> LogIn(const AccountOptions& options) {
  absl::StatusOr<ClientOptions> resolved = ResolveAccount(options);
  if (!resolved.ok()) return resolved.status();
  resolved->takes_messages = false;
  return Client::Connect(*resolved);
}

}  // namespace solec

// The certificate and key that a configuration names, as the server uses them. At start, for
// --check and at a reload; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "net/tls_context.h"

namespace solec {

// Never null: without [tls] it is one that can only dial. `warnings` gets what clients will not
// like: the wrong name, a time that is over or soon will be. Errors: InvalidArgument, with the
// path.
absl::StatusOr<std::shared_ptr<const TlsContext>> LoadTls(const Config& config,
                                                          const TlsTicketKeys& ticket_keys,
                                                          std::vector<std::string>* warnings);

// Of a certificate that has expired: refused where it is new (--check, a reload), since nobody
// could have meant that; a server that has had it goes on with it.
absl::Status CheckNotExpired(const TlsContext& tls, const Config& config);

// "TLS 1.3, certificate sha256/…; …", for the log.
std::string TlsText(const TlsContext& tls);

}  // namespace solec

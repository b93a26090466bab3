#include "server/tls_files.h"

#include <ctime>

#include "io/ktls_probe.h"

namespace solec {

absl::StatusOr<std::shared_ptr<const TlsContext>> LoadTls(const Config& config,
                                                          const TlsTicketKeys& ticket_keys,
                                                          std::vector<std::string>* warnings) {
  if (config.tls_certificate.empty()) return TlsContext::Make({});
  absl::StatusOr<std::shared_ptr<const TlsContext>> tls =
      TlsContext::Load(config.tls_certificate, config.tls_key, ticket_keys);
  if (!tls.ok()) return absl::InvalidArgumentError("[tls] " + std::string(tls.status().message()));
  for (const std::string& complaint : (*tls)->Complaints(time(nullptr), config.server_name)) {
    warnings->push_back("[tls] " + complaint);
  }
  return tls;
}

absl::Status CheckNotExpired(const TlsContext& tls, const Config& config) {
  if (!tls.expired(time(nullptr))) return absl::OkStatus();
  return absl::InvalidArgumentError("[tls] certificate " + config.tls_certificate +
                                    " has expired; name one that is valid");
}

std::string TlsText(const TlsContext& tls) {
  if (!tls.can_accept()) return "TLS: no certificate";
  const std::string kernel = KernelHasTls()
                                 ? "in this process; what the kernel has of it is not used"
                                 : "in this process; the kernel has none";
  return "TLS 1.3 " + kernel + "; the certificate's pin is " + tls.pin();
}

}  // namespace solec

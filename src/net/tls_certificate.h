// Certificates of servers: what one says, its pin, and making a self-signed one. The core's only
// other OpenSSL is in tls_context and tls_session. Pure but for the clock and random numbers that
// making one needs; any thread; at start, at reload and in tools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct x509_st;

namespace solec {

// "sha256/" and the SHA-256 of the certificate's SubjectPublicKeyInfo in base64, as [[peer]]
// public_key has it. A new certificate for the same key has the same pin.
std::string PinOf(const x509_st& certificate);

struct CertificateFiles {
  std::string certificate_pem;
  std::string key_pem;
  std::string pin;
};

// An ECDSA P-256 key and a certificate for it that nobody else has signed, for servers named
// `name` (a DNS name, or an IP address). Valid from `begin_s` to `end_s`, in seconds from now.
absl::StatusOr<CertificateFiles> MakeSelfSigned(const std::string& name, int64_t begin_s,
                                                int64_t end_s);

// What OpenSSL says of the last failure on this thread, for texts; forgets it.
std::string TakeTlsErrorText();

}  // namespace solec

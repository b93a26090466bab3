// What all TLS sessions of a server have in common: its certificate and key, the keys of session
// tickets, the rules (TLS 1.3 alone, ALPN "solec/1"). Made once at start and once for each reload,
// then never changed: all shards share it, and a session keeps what it needs of it.
//
// Both sides are here. Who accepts asks for a certificate but demands none, and who dials shows its
// own if it has one; neither judges the other's by a chain: links between servers go by pins
// (TlsSession::PeerPin), users by passwords. (The clients of users judge: src/client.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/tls_session.h"

struct ssl_ctx_st;

namespace solec {

inline constexpr char kTlsProtocol[] = "solec/1";  // ALPN

// Encrypts the tickets by which clients come back with a short handshake: so nothing is stored
// for them. Made once a process; every shard and every later context must have the same.
struct TlsTicketKeys {
  uint8_t bytes[80] = {};
  static TlsTicketKeys Make();
};

struct TlsContextOptions {
  // PEM; the certificate first, then the chain up to its authority, if any. Both empty: a context
  // that can only dial, and shows no certificate.
  std::string certificate_pem;
  std::string key_pem;
  TlsTicketKeys ticket_keys;
  // How the two are called in error texts: paths, mostly.
  std::string certificate_name = "certificate";
  std::string key_name = "key";
  // Records that are sent under one key.
  uint64_t records_per_key = uint64_t{1} << 23;
};

class TlsContext {
 public:
  // Errors: InvalidArgument; the text says which of the two, and what is wrong with it.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Make(const TlsContextOptions& options);
  // The same, of two files.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Load(const std::string& certificate,
                                                                const std::string& key,
                                                                const TlsTicketKeys& ticket_keys);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A session of the side that accepts. `pool` as in TlsSession::UsePool.
  std::unique_ptr<TlsSession> Accept(BufferPool* pool) const;
  // A session of the side that dials; its first bytes are pending. `server_name` is told to the
  // other side (SNI), unless it is empty or an address. `ticket`: of an earlier one, or null.
  std::unique_ptr<TlsSession> Dial(const std::string& server_name, BufferPool* pool,
                                   ssl_session_st* ticket = nullptr) const;

  bool can_accept() const { return !pin_.empty(); }
  // Of its own certificate; empty if it has none.
  const std::string& pin() const { return pin_; }
  // Tells one certificate from another; empty if there is none.
  const std::string& certificate_id() const { return certificate_id_; }
  // What is wrong with the certificate without making it useless, at `now_s` (seconds since 1970):
  // expired, about to, not valid yet, not for `server_name`. Texts for people.
  std::vector<std::string> Complaints(int64_t now_s, const std::string& server_name) const;
  bool expired(int64_t now_s) const { return can_accept() && now_s > not_after_s_; }

 private:
  TlsContext() = default;

  absl::Status SetUp(const TlsContextOptions& options);
  absl::Status UseCertificate(const TlsContextOptions& options);

  ssl_ctx_st* accepting_ = nullptr;  // null without a certificate
  ssl_ctx_st* dialling_ = nullptr;
  std::string pin_;
  std::string certificate_name_, certificate_id_;
  int64_t not_before_s_ = 0, not_after_s_ = 0;
  uint64_t records_per_key_ = 0;
};

}  // namespace solec

#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <fstream>
#include <iterator>

#include "base/assert.h"
#include "net/tls_certificate.h"

namespace solec {
namespace {

// Of what a peer may send as its certificate and chain.
constexpr long kPeerCertificateBytesMax = 16 * 1024;
// How long a ticket is good for.
constexpr long kTicketSeconds = 24 * 3600;
// Before a certificate's end it is complained about.
constexpr int64_t kExpiresSoonSeconds = 14 * 24 * 3600;
constexpr size_t kFileBytesMax = 1 << 20;
// The list of one protocol, as ALPN has it: each name after its length.
constexpr unsigned char kProtocolList[] = {7, 's', 'o', 'l', 'e', 'c', '/', '1'};
static_assert(sizeof(kProtocolList) == sizeof(kTlsProtocol));
// Resumption asks for one where clients may show certificates.
constexpr unsigned char kSessionContext[] = {'s', 'o', 'l', 'e', 'c'};

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

// Never asks a terminal for the password of a key.
int NoPassword(char*, int, int, void*) { return 0; }

// A client that names protocols must name ours; one that names none is fine.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kProtocolList, sizeof(kProtocolList), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// The peer has proved that it has its certificate's key; whether it is the right one is for who
// knows the pins to say.
int TakeAnyCertificate(X509_STORE_CTX*, void*) { return 1; }

bool SetCommon(SSL_CTX* context) {
  // Every read ends with its record, so that a flood of records without content is seen.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_max_cert_list(context, kPeerCertificateBytesMax);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_cert_verify_callback(context, TakeAnyCertificate, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1;
}

bool SetAccepting(SSL_CTX* context, TlsTicketKeys keys) {
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_timeout(context, kTicketSeconds);
  // Early data could be played back by anybody who has seen it.
  return SSL_CTX_set_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_session_id_context(context, kSessionContext, sizeof(kSessionContext)) == 1 &&
         SSL_CTX_set_num_tickets(context, 1) == 1 &&
         SSL_CTX_set_tlsext_ticket_keys(context, keys.bytes, sizeof(keys.bytes)) == 1;
}

bool SetDialling(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return SSL_CTX_set_alpn_protos(context, kProtocolList, sizeof(kProtocolList)) == 0;
}

// The certificate, and what follows it, of a PEM text, into the context.
bool UseChain(SSL_CTX* context, const std::string& pem) {
  const BioPointer text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509* certificate = PEM_read_bio_X509_AUX(text.get(), nullptr, NoPassword, nullptr);
  if (certificate == nullptr) return false;
  const bool used = SSL_CTX_use_certificate(context, certificate) == 1;
  X509_free(certificate);
  if (!used) return false;
  while (X509* next = PEM_read_bio_X509(text.get(), nullptr, NoPassword, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
    X509_free(next);
    return false;
  }
  ERR_clear_error();  // that there is no further one
  return true;
}

bool UseKey(SSL_CTX* context, const std::string& pem) {
  const BioPointer text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassword, nullptr);
  if (key == nullptr) return false;
  const bool used = SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  return used;
}

int64_t SecondsOf(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string DateText(int64_t seconds) {
  const time_t time = seconds;
  tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

bool IsAddress(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

absl::StatusOr<std::string> ReadPem(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || file.gcount() == 0) {
    return absl::InvalidArgumentError(std::string(what) + " " + path +
                                      " cannot be read; name a file that this user may read");
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

TlsTicketKeys TlsTicketKeys::Make() {
  TlsTicketKeys keys;
  SOLEC_ASSERT(RAND_bytes(keys.bytes, sizeof(keys.bytes)) == 1);
  return keys;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(accepting_);
  SSL_CTX_free(dialling_);
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(
    const std::string& certificate, const std::string& key, const TlsTicketKeys& ticket_keys) {
  TlsContextOptions options;
  options.ticket_keys = ticket_keys;
  options.certificate_name = "certificate " + certificate;
  options.key_name = "key " + key;
  absl::StatusOr<std::string> certificate_pem = ReadPem(certificate, "certificate");
  if (!certificate_pem.ok()) return certificate_pem.status();
  options.certificate_pem = *std::move(certificate_pem);
  absl::StatusOr<std::string> key_pem = ReadPem(key, "key");
  if (!key_pem.ok()) return key_pem.status();
  options.key_pem = *std::move(key_pem);
  return Make(options);
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Make(
    const TlsContextOptions& options) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> context(new TlsContext());
  const absl::Status status = context->SetUp(options);
  ERR_clear_error();
  if (!status.ok()) return status;
  return std::shared_ptr<const TlsContext>(std::move(context));
}

absl::Status TlsContext::SetUp(const TlsContextOptions& options) {
  records_per_key_ = options.records_per_key;
  certificate_name_ = options.certificate_name;
  dialling_ = SSL_CTX_new(TLS_client_method());
  if (dialling_ == nullptr || !SetCommon(dialling_) || !SetDialling(dialling_)) {
    return absl::InternalError("cannot set TLS up: " + TakeTlsErrorText());
  }
  if (options.certificate_pem.empty() && options.key_pem.empty()) return absl::OkStatus();
  accepting_ = SSL_CTX_new(TLS_server_method());
  if (accepting_ == nullptr || !SetCommon(accepting_) ||
      !SetAccepting(accepting_, options.ticket_keys)) {
    return absl::InternalError("cannot set TLS up: " + TakeTlsErrorText());
  }
  return UseCertificate(options);
}

absl::Status TlsContext::UseCertificate(const TlsContextOptions& options) {
  for (SSL_CTX* context : {accepting_, dialling_}) {
    if (!UseChain(context, options.certificate_pem)) {
      return absl::InvalidArgumentError(options.certificate_name +
                                        " is no certificate in PEM: " + TakeTlsErrorText());
    }
    // The text of an error does not show what is in the file.
    if (!UseKey(context, options.key_pem)) {
      const std::string why = TakeTlsErrorText();
      return absl::InvalidArgumentError(
          why == "key values mismatch"
              ? options.key_name + " does not belong to " + options.certificate_name
              : options.key_name + " is no private key in PEM without a password: " + why);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
      return absl::InvalidArgumentError(options.key_name + " does not belong to " +
                                        options.certificate_name);
    }
  }
  const X509* certificate = SSL_CTX_get0_certificate(accepting_);
  not_before_s_ = SecondsOf(X509_get0_notBefore(certificate));
  not_after_s_ = SecondsOf(X509_get0_notAfter(certificate));
  pin_ = PinOf(*certificate);
  certificate_id_ = options.certificate_pem;
  return absl::OkStatus();
}

std::vector<std::string> TlsContext::Complaints(int64_t now_s,
                                                const std::string& server_name) const {
  std::vector<std::string> complaints;
  if (!can_accept()) return complaints;
  if (now_s > not_after_s_) {
    complaints.push_back(certificate_name_ + " expired on " + DateText(not_after_s_) +
                         "; clients refuse it until there is a new one");
  } else if (now_s > not_after_s_ - kExpiresSoonSeconds) {
    complaints.push_back(certificate_name_ + " expires on " + DateText(not_after_s_));
  }
  if (now_s < not_before_s_) {
    complaints.push_back(certificate_name_ + " is not valid before " + DateText(not_before_s_));
  }
  X509* certificate = SSL_CTX_get0_certificate(accepting_);
  const bool is_for_it = X509_check_host(certificate, server_name.data(), server_name.size(), 0,
                                         nullptr) == 1 ||
                         X509_check_ip_asc(certificate, server_name.c_str(), 0) == 1;
  ERR_clear_error();
  if (!is_for_it) {
    complaints.push_back(certificate_name_ + " is not for " + server_name +
                         "; clients refuse it unless they are told another name");
  }
  return complaints;
}

std::unique_ptr<TlsSession> TlsContext::Accept(BufferPool* pool) const {
  SOLEC_ASSERT(can_accept());
  SSL* ssl = SSL_new(accepting_);
  SOLEC_ASSERT(ssl != nullptr);
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsSession>(new TlsSession(ssl, pool, records_per_key_));
}

std::unique_ptr<TlsSession> TlsContext::Dial(const std::string& server_name, BufferPool* pool,
                                             ssl_session_st* ticket) const {
  SSL* ssl = SSL_new(dialling_);
  SOLEC_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl);
  if (!server_name.empty() && !IsAddress(server_name)) {
    SSL_set_tlsext_host_name(ssl, server_name.c_str());
  }
  if (ticket != nullptr) SSL_set_session(ssl, ticket);
  std::unique_ptr<TlsSession> session(new TlsSession(ssl, pool, records_per_key_));
  session->Start();
  return session;
}

}  // namespace solec

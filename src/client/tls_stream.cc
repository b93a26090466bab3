#include "client/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace solec {
namespace {

constexpr unsigned char kProtocolList[] = {7, 's', 'o', 'l', 'e', 'c', '/', '1'};

// --- the socket, as OpenSSL reads and writes it: like its own, but never a SIGPIPE ---

int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int BioRead(BIO* bio, char* to, int size) {
  BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY | BIO_FLAGS_IN_EOF);
  const ssize_t count = recv(FdOf(bio), to, static_cast<size_t>(size), 0);
  if (count < 0 && IsForLater(errno)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

int BioWrite(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = send(FdOf(bio), from, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && IsForLater(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long BioControl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* NewSocketBio(int fd) {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "solec socket");
    BIO_meth_set_read(made, BioRead);
    BIO_meth_set_write(made, BioWrite);
    BIO_meth_set_ctrl(made, BioControl);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

// --- set-up ---

std::string OpenSslReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

absl::StatusOr<ContextPointer> MakeContext(const TlsClientOptions& options) {
  ContextPointer context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(context.get(), kProtocolList, sizeof(kProtocolList)) != 0) {
    return absl::InternalError("cannot set TLS up: " + OpenSslReason());
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  // The end of a session is told by its payloads, not by who closed what.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (options.insecure) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusts =
      options.ca_file.empty()
          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
          : SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) == 1;
  if (!trusts) {
    return absl::InvalidArgumentError(
        (options.ca_file.empty() ? std::string("this system's certificates")
                                 : options.ca_file) +
        " cannot be read as certificates in PEM: " + OpenSslReason());
  }
  return context;
}

bool SetName(SSL* ssl, const TlsClientOptions& options) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, options.server_name.c_str()) == 1) return true;
  ERR_clear_error();
  return SSL_set_tlsext_host_name(ssl, options.server_name.c_str()) == 1 &&
         X509_VERIFY_PARAM_set1_host(wanted, options.server_name.data(),
                                     options.server_name.size()) == 1;
}

absl::Status WhyNot(SSL* ssl, const TlsClientOptions& options, const std::string& server) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK && !options.insecure) {
    const bool other_name =
        verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
    std::string text = server + " shows a certificate that " +
                       (other_name ? "is not for " + options.server_name
                                   : "is not trusted: " +
                                         std::string(X509_verify_cert_error_string(verdict)));
    if (!other_name && options.ca_file.empty()) {
      text += "; to trust it by itself, name its file as the authority";
    }
    return absl::UnavailableError(text);
  }
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) {
    return absl::UnavailableError(server + " hung up in the TLS handshake; is TLS spoken there?");
  }
  if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
    return absl::UnavailableError(server + " speaks no TLS there; is it the port for TLS?");
  }
  return absl::UnavailableError("no TLS with " + server + ": " + OpenSslReason());
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsStream>> TlsStream::Connect(int fd,
                                                              const TlsClientOptions& options,
                                                              const std::string& server,
                                                              Deadline deadline) {
  ERR_clear_error();
  absl::StatusOr<ContextPointer> context = MakeContext(options);
  if (!context.ok()) return context.status();
  SSL* const ssl = SSL_new(context->get());
  if (ssl == nullptr) return absl::InternalError("cannot set TLS up: " + OpenSslReason());
  std::unique_ptr<TlsStream> stream(new TlsStream(ssl));
  BIO* const bio = NewSocketBio(fd);
  SSL_set_bio(ssl, bio, bio);
  if (!SetName(ssl, options)) {
    return absl::InvalidArgumentError("'" + options.server_name + "' is no name of a server");
  }
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(ssl);
    if (done == 1) return stream;
    const int error = SSL_get_error(ssl, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      absl::Status why = WhyNot(ssl, options, server);
      stream->broken_ = true;
      ERR_clear_error();
      return why;
    }
    if (deadline.Passed()) {
      return absl::UnavailableError(server +
                                    " took the connection but did not finish the TLS handshake "
                                    "in time; is TLS spoken there?");
    }
    const short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    pollfd waits{.fd = fd, .events = events, .revents = 0};
    poll(&waits, 1, deadline.PollMs());
  }
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
  ERR_clear_error();
}

TlsStream::Transfer TlsStream::Read(uint8_t* to, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    ERR_clear_error();
    size_t count = 0;
    const int done = SSL_read_ex(ssl_, to + filled, size - filled, &count);
    filled += count;
    if (done == 1) continue;
    if (filled != 0) break;  // the reason comes again next time
    return Failed(done);
  }
  return {.outcome = Outcome::kMoved, .size = filled, .error = {}};
}

TlsStream::Transfer TlsStream::Write(Bytes bytes) {
  ERR_clear_error();
  size_t count = 0;
  const int done = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);
  if (done == 1) return {.outcome = Outcome::kMoved, .size = count, .error = {}};
  return Failed(done);
}

TlsStream::Transfer TlsStream::Failed(int result) {
  const int error_before = errno;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) {
    return {.outcome = Outcome::kWaitToRead, .size = 0, .error = {}};
  }
  if (error == SSL_ERROR_WANT_WRITE) {
    return {.outcome = Outcome::kWaitToWrite, .size = 0, .error = {}};
  }
  broken_ = error != SSL_ERROR_ZERO_RETURN;
  if (!broken_) return {.outcome = Outcome::kEnd, .size = 0, .error = {}};
  const bool by_system = error == SSL_ERROR_SYSCALL && error_before != 0;
  return {.outcome = Outcome::kBroken,
          .size = 0,
          .error = by_system ? std::strerror(error_before) : "TLS: " + OpenSslReason()};
}

bool TlsStream::HasBuffered() const { return SSL_pending(ssl_) > 0; }

void TlsStream::FinishWriting() {
  if (!broken_) SSL_shutdown(ssl_);
  ERR_clear_error();
}

}  // namespace solec

// Two TLS sessions in memory, for tests: what one has to send is given to the other, cut as the
// test wants. Contexts are made once a process, for making a key takes its time.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "net/tls_certificate.h"
#include "net/tls_context.h"

namespace solec {

inline const CertificateFiles& TestCertificate() {
  static const CertificateFiles files = *MakeSelfSigned("a.example", -60, 3'600);
  return files;
}

inline TlsContextOptions TestTlsOptions() {
  static const TlsTicketKeys keys = TlsTicketKeys::Make();
  TlsContextOptions options;
  options.certificate_pem = TestCertificate().certificate_pem;
  options.key_pem = TestCertificate().key_pem;
  options.ticket_keys = keys;
  return options;
}

inline const TlsContext& TestTls() {
  static const std::shared_ptr<const TlsContext> context = *TlsContext::Make(TestTlsOptions());
  return *context;
}

// One that shows no certificate.
inline const TlsContext& TestTlsClient() {
  static const std::shared_ptr<const TlsContext> context = *TlsContext::Make({});
  return *context;
}

// One end, with what it has decrypted.
struct TlsEnd {
  std::unique_ptr<TlsSession> session;
  std::string plain;

  void Receive(Bytes bytes) {
    std::vector<uint8_t> scratch(4'096);
    // Bytes that are gone after the call, so that late use is seen.
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    session->Receive(copy, scratch, [this](Bytes decrypted) { plain += AsString(decrypted); });
  }
  bool Write(std::span<const Bytes> slices) {
    std::vector<uint8_t> scratch(TlsSession::kRecordBytesMax);
    return session->Encrypt(slices, scratch);
  }
  bool Write(std::string_view text) {
    const Bytes bytes = AsBytes(text);
    return Write(std::span<const Bytes>(&bytes, 1));
  }
  // Everything that it has to send.
  std::string TakeOutput() {
    std::string output;
    while (!session->quiet()) {
      const Bytes bytes = session->BeginSend();
      output += AsString(bytes);
      session->Sent(bytes.size());
    }
    return output;
  }
};

struct TlsPair {
  explicit TlsPair(const TlsContext& server_context = TestTls(),
                   const TlsContext& client_context = TestTlsClient(),
                   ssl_session_st* ticket = nullptr) {
    server.session = server_context.Accept(&pool);
    client.session = client_context.Dial("a.example", &pool, ticket);
  }

  // Carries bytes both ways, in pieces of at most `piece`, until both are quiet.
  void Carry(size_t piece = SIZE_MAX) {
    while (!client.session->quiet() || !server.session->quiet()) {
      Give(client.TakeOutput(), &server, piece);
      Give(server.TakeOutput(), &client, piece);
    }
  }
  static void Give(const std::string& bytes, TlsEnd* to, size_t piece) {
    for (size_t begin = 0; begin < bytes.size(); begin += piece) {
      to->Receive(AsBytes(std::string_view(bytes).substr(begin, piece)));
      if (piece == SIZE_MAX) break;
    }
  }

  BufferPool pool;
  TlsEnd client, server;
};

}  // namespace solec

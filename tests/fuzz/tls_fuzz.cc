// The accepting side of TLS takes whatever comes, cut anywhere: rubbish from the first byte on, a
// real client's handshake with some bytes changed, or such records after a good handshake. It never
// hands out what the client did not send, and what it wants to send stays small.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/tls_certificate.h"
#include "net/tls_context.h"
#include "tests/fuzz/fuzz_input.h"

namespace solec {
namespace {

const TlsContext& Server() {
  static const std::shared_ptr<const TlsContext> context = [] {
    const CertificateFiles files = *MakeSelfSigned("a.example", -60, 1 << 30);
    TlsContextOptions options;
    options.certificate_pem = files.certificate_pem;
    options.key_pem = files.key_pem;
    options.ticket_keys = TlsTicketKeys::Make();
    return *TlsContext::Make(options);
  }();
  return *context;
}

const TlsContext& Client() {
  static const std::shared_ptr<const TlsContext> context = *TlsContext::Make({});
  return *context;
}

std::string TakeOutput(TlsSession* session) {
  std::string output;
  while (!session->quiet()) {
    const Bytes bytes = session->BeginSend();
    output += AsString(bytes);
    session->Sent(bytes.size());
  }
  return output;
}

// What came out decrypted.
std::string Receive(TlsSession* session, std::string_view bytes) {
  std::vector<uint8_t> scratch(1'024);
  std::string plain;
  session->Receive(AsBytes(bytes), scratch, [&](Bytes part) { plain += AsString(part); });
  return plain;
}

// Changes some bytes as the input says: each time a distance and what to flip.
std::string Changed(std::string bytes, FuzzInput* input) {
  size_t at = 0;
  for (int count = input->TakeByte() % 4; count > 0 && !bytes.empty(); --count) {
    at = (at + input->TakeByte() * 3u) % bytes.size();
    bytes[at] = static_cast<char>(static_cast<uint8_t>(bytes[at]) ^ input->TakeByte());
  }
  return bytes;
}

void Fuzz(FuzzInput input) {
  BufferPool pool;
  const std::unique_ptr<TlsSession> server = Server().Accept(&pool);
  const uint8_t kind = input.TakeByte() % 3;
  const std::string text = "what the client says";
  std::string said, heard;
  if (kind != 0) {
    const std::unique_ptr<TlsSession> client = Client().Dial("a.example", &pool);
    for (int round = 0; round < 4; ++round) {
      std::string bytes = TakeOutput(client.get());
      if (kind == 1) bytes = Changed(std::move(bytes), &input);
      heard += Receive(server.get(), bytes);
      Receive(client.get(), TakeOutput(server.get()));
    }
    if (client->state() == TlsState::kOpen) {
      const Bytes slice = AsBytes(text);
      std::vector<uint8_t> scratch(TlsSession::kRecordBytesMax);
      SOLEC_ASSERT(client->Encrypt(std::span<const Bytes>(&slice, 1), scratch));
      said = text;
      heard += Receive(server.get(), Changed(TakeOutput(client.get()), &input));
    }
  }
  while (!input.empty()) heard += Receive(server.get(), AsString(input.Take(input.TakeByte())));
  SOLEC_ASSERT(heard.empty() || heard == said);
  SOLEC_ASSERT(TakeOutput(server.get()).size() <= TlsSession::kPendingBytesMax);
  if (server->state() == TlsState::kFailed) SOLEC_ASSERT(*server->FailureText() != '\0');
}

}  // namespace
}  // namespace solec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  solec::Fuzz(solec::FuzzInput(data, size));
  return 0;
}

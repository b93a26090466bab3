#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "net/tls_bio.h"
#include "net/tls_certificate.h"

namespace solec {

// A peer may renew its key so often, and once more for each so many bytes that it sends. Deriving a
// key costs as much as decrypting some KiB.
static constexpr uint64_t kKeyUpdatesFree = 16, kBytesPerKeyUpdate = 64 * 1024;

void FreeTlsTicket::operator()(ssl_session_st* ticket) const { SSL_SESSION_free(ticket); }

TlsSession::TlsSession(ssl_st* ssl, BufferPool* pool, uint64_t records_per_key)
    : ssl_(ssl), pool_(pool), records_left_(records_per_key), records_per_key_(records_per_key) {
  BIO* bio = NewTlsBio(this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_msg_callback(ssl_, TlsSessionCallbacks::OnHandshakeMessage);
  SSL_set_msg_callback_arg(ssl_, this);
}

TlsSession::~TlsSession() {
  DropOutput();
  SSL_free(ssl_);
  ERR_clear_error();
}

// --- input ---

void TlsSession::BeginInput(Bytes bytes) {
  input_ = bytes;
  if (state_ != TlsState::kHandshake) return;
  received_bytes_ += bytes.size();
  if (received_bytes_ > kHandshakeBytesMax) Fail("the handshake is too large");
}

size_t TlsSession::Decrypt(std::span<uint8_t> to) {
  size_t filled = 0;
  while (state_ != TlsState::kFailed && !peer_closed_ && filled < to.size()) {
    ERR_clear_error();
    const size_t input_before = input_.size();
    size_t size = 0;
    const int done = SSL_read_ex(ssl_, to.data() + filled, to.size() - filled, &size);
    EndHandshakeStep();
    if (done == 1) {
      filled += size;
      received_bytes_ += size;
      continue;
    }
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        // Either there is no more, or a record that holds no content was one of several.
        if (KeysAreAskedForTooOften()) Fail("the peer asks for new keys too often");
        else if (input_.empty() || input_.size() == input_before) return filled;
        break;
      case SSL_ERROR_ZERO_RETURN:
        peer_closed_ = true;
        break;
      default:
        FailByOpenSsl();
        break;
    }
  }
  return filled;
}

void TlsSession::EndHandshakeStep() {
  if (state_ != TlsState::kHandshake || SSL_is_init_finished(ssl_) != 1) return;
  state_ = TlsState::kOpen;
  received_bytes_ = 0;
}

bool TlsSession::KeysAreAskedForTooOften() const {
  return key_updates_ > kKeyUpdatesFree + received_bytes_ / kBytesPerKeyUpdate;
}

void TlsSession::Fail(const char* why) {
  if (state_ == TlsState::kFailed) return;
  state_ = TlsState::kFailed;
  failure_ = why;
}

void TlsSession::FailByOpenSsl() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  Fail(reason == nullptr ? "no reason given" : reason);
  ERR_clear_error();
}

// --- output ---

bool TlsSession::Encrypt(std::span<const Bytes> slices, std::span<uint8_t> scratch) {
  SOLEC_ASSERT(state_ == TlsState::kOpen && scratch.size() >= kRecordBytesMax);
  size_t size = 0;
  for (const Bytes& slice : slices) size += slice.size();
  SOLEC_ASSERT(size <= kEncryptBytesMax);
  ReservePending(pending_.size + size + (size / kRecordBytesMax + 1) * kRecordOverhead);
  size_t gathered = 0;
  for (Bytes slice : slices) {
    while (!slice.empty()) {
      if (gathered == 0 && (slice.size() >= kRecordBytesMax || slice.size() == size)) {
        // A whole record, or all there is: no need to bring it together.
        const size_t taken = std::min(slice.size(), kRecordBytesMax);
        if (!EncryptRecord(slice.first(taken))) return false;
        slice = slice.subspan(taken);
        size -= taken;
        continue;
      }
      const size_t taken = std::min(slice.size(), kRecordBytesMax - gathered);
      std::memcpy(scratch.data() + gathered, slice.data(), taken);
      gathered += taken;
      slice = slice.subspan(taken);
      size -= taken;
      if (gathered < kRecordBytesMax) continue;
      if (!EncryptRecord(scratch.first(gathered))) return false;
      gathered = 0;
    }
  }
  return gathered == 0 || EncryptRecord(scratch.first(gathered));
}

bool TlsSession::EncryptRecord(Bytes plain) {
  ERR_clear_error();
  if (--records_left_ == 0) {
    // One key is good for some 2^24 records (RFC 8446, 5.5); OpenSSL does not count them.
    records_left_ = records_per_key_;
    SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED);
  }
  size_t written = 0;
  if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1 && written == plain.size()) {
    return true;
  }
  FailByOpenSsl();
  return false;
}

void TlsSession::Start() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done != 1 && SSL_get_error(ssl_, done) != SSL_ERROR_WANT_READ) FailByOpenSsl();
}

void TlsSession::Finish() {
  if (finished_ || state_ != TlsState::kOpen) return;
  finished_ = true;
  ERR_clear_error();
  if (SSL_shutdown(ssl_) < 0) ERR_clear_error();  // then the peer sees the connection's end only
}

void TlsSession::ReservePending(size_t size) {
  if (size <= pending_.capacity) return;
  const size_t capacity = BufferPool::RoundUp(size);
  uint8_t* data = pool_->Take(capacity);
  if (pending_.size != 0) std::memcpy(data, pending_.data, pending_.size);
  if (pending_.data != nullptr) pool_->Give(pending_.data, pending_.capacity);
  pending_.data = data;
  pending_.capacity = static_cast<uint32_t>(capacity);
}

bool TlsSession::AppendPending(Bytes bytes) {
  const size_t size = pending_.size + bytes.size();
  if (size > kPendingBytesMax) return false;
  ReservePending(size);
  std::memcpy(pending_.data + pending_.size, bytes.data(), bytes.size());
  pending_.size = static_cast<uint32_t>(size);
  return true;
}

Bytes TlsSession::BeginSend() {
  if (!sending()) std::swap(sending_, pending_);
  return Bytes(sending_.data + sending_.begin, sending_.size - sending_.begin);
}

bool TlsSession::Sent(size_t size) {
  SOLEC_ASSERT(size <= sending_.size - sending_.begin);
  sending_.begin += static_cast<uint32_t>(size);
  if (sending_.begin != sending_.size) return false;
  Give(&sending_);
  return true;
}

void TlsSession::DropOutput() {
  Give(&sending_);
  Give(&pending_);
}

void TlsSession::Give(Buffer* buffer) {
  if (buffer->data != nullptr) pool_->Give(buffer->data, buffer->capacity);
  *buffer = {};
}

// --- about the peer ---

std::string TlsSession::PeerPin() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? std::string() : PinOf(*certificate);
}

std::string TlsSession::Protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_) == 1; }

TlsTicket TlsSession::Ticket() const {
  const SSL_SESSION* session = SSL_get_session(ssl_);
  if (session == nullptr || SSL_SESSION_is_resumable(session) != 1) return nullptr;
  // A copy: freeing an SSL that was not shut down makes its own session useless.
  return TlsTicket(SSL_SESSION_dup(session));
}

// --- what OpenSSL calls ---

void TlsSessionCallbacks::OnHandshakeMessage(int sent, int, int content_type, const void* bytes,
                                             size_t size, ssl_st*, void* session) {
  const bool key_update = sent == 0 && content_type == SSL3_RT_HANDSHAKE && size != 0 &&
                          *static_cast<const uint8_t*>(bytes) == SSL3_MT_KEY_UPDATE;
  if (key_update) ++static_cast<TlsSession*>(session)->key_updates_;
}

int TlsSessionCallbacks::Read(TlsSession* session, uint8_t* to, size_t size) {
  const size_t taken = std::min(size, session->input_.size());
  if (taken == 0) return 0;
  std::memcpy(to, session->input_.data(), taken);
  session->input_ = session->input_.subspan(taken);
  return static_cast<int>(taken);
}

bool TlsSessionCallbacks::Write(TlsSession* session, Bytes bytes) {
  return session->AppendPending(bytes);
}

}  // namespace solec

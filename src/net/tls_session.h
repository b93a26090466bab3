// TLS 1.3 of one connection, over memory: what the network brought goes in and is decrypted, what
// is to be sent is encrypted and comes out. No I/O, no clock, no thread of its own. Made by a
// TlsContext, owned by a Connection, used by one thread at a time; it moves to another shard
// together with its connection, while it is quiet().
//
// Bounds: a handshake may bring kHandshakeBytesMax; no more than kPendingBytesMax wait to be sent
// (the peer decides how much only by what it makes us answer, and that is little); a peer may ask
// for new keys now and then, not all the time. An idle session holds no buffer of ours, and OpenSSL
// gives its own ones back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/buffer_pool.h"
#include "base/bytes.h"

struct ssl_st;
struct ssl_session_st;
struct bio_st;

namespace solec {

struct FreeTlsTicket {
  void operator()(ssl_session_st* ticket) const;
};
// With what a dialling side comes back without a whole handshake.
using TlsTicket = std::unique_ptr<ssl_session_st, FreeTlsTicket>;

enum class TlsState : uint8_t {
  kHandshake,
  kOpen,
  kFailed,  // over: FailureText() says why; what is pending holds the alert that tells the peer
};

class TlsSession {
 public:
  // A record's largest content, and the most that encrypting adds to it.
  static constexpr size_t kRecordBytesMax = 16 * 1024;
  static constexpr size_t kRecordOverhead = 22;
  static constexpr size_t kHandshakeBytesMax = 64 * 1024;
  // Of plain bytes in one Encrypt.
  static constexpr size_t kEncryptBytesMax = 7 * kRecordBytesMax;
  static constexpr size_t kPendingBytesMax = 256 * 1024;

  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  TlsState state() const { return state_; }
  // The peer has said that it will send no more.
  bool peer_closed() const { return peer_closed_; }

  // Whose buffers hold what waits to be sent; again after a move, while quiet().
  void UsePool(BufferPool* pool) { pool_ = pool; }

  // Takes in what the network brought. Decrypted bytes go to sink(Bytes) in pieces of at most
  // `scratch`, which lasts until then. Afterwards look at state(), peer_closed() and has_pending().
  template <class Sink>
  void Receive(Bytes bytes, std::span<uint8_t> scratch, Sink&& sink) {
    BeginInput(bytes);
    while (const size_t size = Decrypt(scratch)) sink(Bytes(scratch.data(), size));
    input_ = {};
  }

  // Encrypts slices of at most kEncryptBytesMax in all, one after another, into as few records as
  // they fit; `scratch` has room for a record. Only in kOpen. False: the session has failed.
  bool Encrypt(std::span<const Bytes> slices, std::span<uint8_t> scratch);

  // The dialling side's first words; they are pending then.
  void Start();
  // Says goodbye, once, if that can be said. What was encrypted before goes first.
  void Finish();

  // --- what is to be sent ---

  bool has_pending() const { return pending_.size != 0; }
  bool sending() const { return sending_.size != 0; }
  // Nothing is under way or waits: it may move.
  bool quiet() const { return !has_pending() && !sending(); }
  // What is to be sent next, empty if there is nothing; it stays where it is until all of it has
  // been Sent. A send that was short goes on with the rest.
  Bytes BeginSend();
  // `size` bytes went out. True if nothing is left of this send.
  bool Sent(size_t size);
  // The connection broke: forgets what is under way and what waits.
  void DropOutput();

  // --- about the peer ---

  // The pin (tls_certificate.h) of the key that the peer has proved; empty if it showed none.
  std::string PeerPin() const;
  // "solec/1", or empty.
  std::string Protocol() const;
  // The handshake was short, for the client had a ticket.
  bool resumed() const;
  // For the next connection to the same server; null if it gave none (yet).
  TlsTicket Ticket() const;
  // Why it has failed: a text that lasts for ever.
  const char* FailureText() const { return failure_; }

 private:
  friend class TlsContext;
  friend struct TlsSessionCallbacks;  // what OpenSSL calls

  struct Buffer {
    uint8_t* data = nullptr;
    uint32_t capacity = 0;
    uint32_t begin = 0;  // sent so far
    uint32_t size = 0;   // in all
  };

  // Takes the SSL over.
  TlsSession(ssl_st* ssl, BufferPool* pool, uint64_t records_per_key);

  void BeginInput(Bytes bytes);
  size_t Decrypt(std::span<uint8_t> to);
  void EndHandshakeStep();
  bool EncryptRecord(Bytes plain);
  bool KeysAreAskedForTooOften() const;
  bool AppendPending(Bytes bytes);
  void ReservePending(size_t size);
  void Give(Buffer* buffer);
  void Fail(const char* why);
  void FailByOpenSsl();

  ssl_st* ssl_;
  BufferPool* pool_;
  Bytes input_;  // during Receive
  Buffer pending_, sending_;
  const char* failure_ = "";
  uint64_t received_bytes_ = 0;  // before the handshake's end: encrypted ones; then plain ones
  uint64_t records_left_;        // until the key for sending is renewed
  const uint64_t records_per_key_;
  uint32_t key_updates_ = 0;  // of the peer
  TlsState state_ = TlsState::kHandshake;
  bool peer_closed_ = false;
  bool finished_ = false;
};

}  // namespace solec

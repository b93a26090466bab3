// Carries a connection's wishes out on an I/O, and turns what the I/O says into frames. The only
// code between the kernel (or the simulated network) and the meaning of a frame.
//
// One shard's thread. A turn of the loop: io.Turn(driver), the handler's other work, RunTimers,
// Flush. Bounds: a connection on hold stops receiving once kHeldBytesStop wait; the last frames of
// an ended connection have kLingerMs to leave.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "io/io.h"
#include "net/connection.h"
#include "proto/frame.h"

namespace solec {

enum class FrameVerdict : uint8_t {
  kNext,        // done with this frame
  kHoldAfter,   // done with it, and the handler has put the connection on hold
  kHoldBefore,  // on hold, and this frame is to be shown again
  kEnded,       // the connection was ended or moved: forget the rest
  kMoveBefore,  // moved, and this frame and the rest go along
};

struct ConnectionConfig {
  uint64_t login_timeout_ms;
  uint64_t output_stall_timeout_ms;
  uint64_t output_low_bytes;  // "short" for OnOutputDrained
};

// What the handler of connections implements (the shard; a recorder in tests).
template <class H>
concept ConnectionHandler = requires(H handler, Connection* connection, const Frame& frame,
                                     size_t size, uint64_t count, DialStep step,
                                     std::string_view text) {
  // What time it is, before it is told anything that depends on it.
  handler.SetNow(count);
  // Whether one more may be accepted; if not it is closed at once.
  { handler.MayAccept(connection) } -> std::same_as<bool>;
  // The connection that Dial asked for is up: what it is to say may be appended at once. `count` is
  // the tag.
  handler.OnDialed(connection, count);
  // Or nothing came of it: why, for people. No more is heard of the tag.
  handler.OnDialFailed(count, step, text);
  // `size`: bytes of input behind this frame.
  { handler.OnFrame(connection, frame, size) } -> std::same_as<FrameVerdict>;
  // It was ended: for the last time its output can be looked at and added to.
  handler.OnEnding(connection);
  // The output that drained_wanted asked about has become short.
  handler.OnOutputDrained(connection);
  // Its timer rang while it held others back (see Connection::drained_wanted).
  handler.OnHoldExpired(connection);
  // Nothing is left of it. Of a dial that failed too: of those nothing else was told.
  handler.OnFreed(connection);
  { handler.connection_config() } -> std::same_as<ConnectionConfig>;
  handler.CountReceived(count);
  handler.CountSent(count);
};

template <class IoType, class Handler>
class ConnectionDriver {
 public:
  static constexpr size_t kHeldBytesStop = 64 * 1024;
  static constexpr uint64_t kLingerMs = 2'000;
  static constexpr size_t kTlsInputBytes = 32 * 1024;

  ConnectionDriver(IoType* io, ConnectionTable* table, Handler* handler)
      : io_(io), table_(table), handler_(handler) {}

  // --- events of the I/O ---

  void OnAccept(uint32_t listener, SocketId socket);
  void OnConnected(SocketId socket, int error);
  void OnReceive(SocketId socket, Bytes bytes);
  void OnReceiveEnd(SocketId socket, ReceiveEnd end, int error);
  void OnSent(SocketId socket, int64_t result);
  void OnClosed(SocketId socket);

  // --- the loop ---

  // Takes in a connection that another shard let go of; its held input is parsed in this turn.
  // `since_ms`: as the other shard had it, so that the login's deadline stays.
  // `tls`: its TLS session, if it has one.
  Connection* Adopt(typename IoType::NativeHandle handle, Bytes held_input, uint32_t since_ms,
                    std::unique_ptr<TlsSession> tls = nullptr);

  // Connections in kMoving on which nothing is under way: calls moved(connection, release) for
  // each; release() lets go of the socket and gives its native handle.
  template <class Moved>
  void RunMoves(Moved&& moved);

  void RunTimers();

  // Resumes connections whose hold is gone, ends those that were ended, dials, sends what waits.
  void Flush();

  // Work is left that must not wait for the next event.
  bool HasWork() const {
    return !table_->dirty_.empty() || !table_->resumed_.empty() || !table_->ending_.empty() ||
           !table_->moving_.empty() || !table_->dials_.empty();
  }

 private:
  void Take(Connection* connection, Bytes bytes);
  void TakeTls(Connection* connection, Bytes bytes);
  void Feed(Connection* connection, Bytes bytes);
  FrameVerdict Show(Connection* connection, const Frame& frame, size_t behind);
  Bytes CompleteHeld(Connection* connection, Bytes bytes);
  FrameVerdict Parse(Connection* connection, Bytes bytes);
  bool Verdict(Connection* connection, FrameVerdict verdict, Bytes before, Bytes after);
  void StartReceive(Connection* connection);
  void Resume(Connection* connection);
  void FinishEnding(Connection* connection);
  void OnPeerFinished(Connection* connection);
  void FlushOutput(Connection* connection);
  void FlushTls(Connection* connection);
  void OnTlsSent(Connection* connection, int64_t result);
  void OnSendBroken(Connection* connection);
  void FinishFlush(Connection* connection);
  void CloseNow(Connection* connection);
  void OnTimer(Connection* connection);
  std::span<uint8_t> TlsRecord() {
    tls_record_.resize(TlsSession::kRecordBytesMax);
    return tls_record_;
  }
  uint32_t NowMs() const { return static_cast<uint32_t>(io_->NowNs() / 1'000'000); }
  void SetTimer(Connection* connection, uint64_t delay_ms) {
    table_->timers_.Set(connection->socket.index, io_->NowNs() + delay_ms * 1'000'000);
  }
  void SetLoginTimer(Connection* connection, uint32_t since_ms);
  void StartDials();
  void TellDialed(Connection* connection);
  void FailEndedDial(Connection* connection);
  void FailDial(Connection* connection, DialStep step, std::string_view text);

  IoType* io_;
  ConnectionTable* table_;
  Handler* handler_;
  std::vector<uint32_t> work_;  // the list that Flush is working on
  std::vector<uint32_t> sent_;  // those that were given a send in the last Flush
  // Decrypted bytes on their way in, and small frames that leave in one record; only with TLS.
  std::vector<uint8_t> tls_input_, tls_record_;
};

}  // namespace solec

#include "net/connection_driver_dial_inl.h"
#include "net/connection_driver_inl.h"

// One connection as its shard sees it, and the table of all of them. What is asked for here (append
// output, hold the input, end the connection) is remembered, and carried out by ConnectionDriver
// once a turn; so the code that decides what a frame means needs no I/O and can be tested without.
//
// Owned by one shard's thread. A Connection* does not outlive the turn; a SocketId names it longer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer_pool.h"
#include "base/limits.h"
#include "base/pool.h"
#include "base/timer_wheel.h"
#include "io/io.h"
#include "net/close_reason.h"
#include "net/output_queue.h"
#include "net/tls_context.h"
#include "proto/sequence.h"

namespace solec {

struct Session;

enum class ConnectionState : uint8_t {
  kFree,
  kDialling,   // Dial() asked for it; the handler does not know it yet
  kLogin,      // handshake and login; input is received piece by piece
  kOpen,       // a session; input streams
  kMoving,     // waits until nothing is under way, then goes to another shard
  kEnding,     // End() was called; its session is told at the end of this turn
  kFlushing,   // the last output leaves
  kLingering,  // all was sent; waits for the peer to close, so that it can read the last frame
  kClosed,     // the I/O closes it
};

// Why a connection's input is held back; any number at once.
enum HoldReason : uint8_t {
  kHoldRequest = 1 << 0,   // an earlier request or login is not answered yet
  kHoldMailbox = 1 << 1,   // the mailbox that the next frame needs is full
  kHoldReader = 1 << 2,    // somebody it writes to reads too slowly
  kHoldStore = 1 << 3,     // the store's queue is full
  kHoldReceipts = 1 << 4,  // too many of its messages are not settled yet
};

// Where a dial failed.
enum class DialStep : uint8_t { kConnect, kTls };

struct DialOptions {
  bool tls = false;         // with the table's TlsContext, which must be there
  std::string server_name;  // that the other side is told it is wanted as
};

struct Connection {
  SocketId socket;
  OutputQueue output;                 // plain bytes, also where it is sent encrypted
  std::unique_ptr<TlsSession> tls;    // null: nothing is encrypted
  uint8_t* held = nullptr;  // input not parsed yet: a frame cut off, or all that came while on hold
  uint32_t held_size = 0;
  uint32_t held_capacity = 0;
  Handle<Session> session;
  uint32_t features = 0;
  ServerSequence sequence;     // of one that was accepted
  DialSequence dial_sequence;  // of one that was dialled
  ConnectionState state = ConnectionState::kFree;
  CloseReason close_reason = CloseReason::kPeerClosed;
  ErrorCode close_code = ErrorCode::kNone;  // sent as the last frame, if any
  uint8_t holds = 0;                        // HoldReason bits
  bool receiving : 1 = false;
  bool stop_asked : 1 = false;
  bool peer_finished : 1 = false;
  bool tls_sending : 1 = false;     // encrypted bytes are under way
  bool dirty : 1 = false;           // on the list of those with output to send
  bool resume_queued : 1 = false;
  bool drained_wanted : 1 = false;  // tell the handler when the output has become short
  bool dialled : 1 = false;         // by this server
  // The handler keeps shared frames back for now (Session::deferred).
  bool output_deferred : 1 = false;
  uint16_t move_to = 0;             // shard, in kMoving
  // What its timer measures: until it is open, since it was accepted or dialled; then, since when a
  // send does not end (0: none is watched).
  uint32_t since_ms = 0;
  uint64_t stall_acked = 0;
  uint64_t message_count = 0;  // Message frames appended to its output since it was opened

  // Something waits to be sent, or is being sent.
  bool has_output() const { return !output.empty() || (tls != nullptr && !tls->quiet()); }
  bool sending() const { return tls_sending || (tls == nullptr && output.send_in_flight()); }

  // Frames may still come from it.
  bool live() const { return state == ConnectionState::kLogin || state == ConnectionState::kOpen; }
};

class ConnectionTable {
 public:
  ConnectionTable(BufferPool* buffers, uint64_t now_ns) : buffers_(buffers), timers_(now_ns) {}
  ~ConnectionTable();

  // The connection of that socket, or nullptr if it is gone.
  Connection* Get(SocketId socket) {
    if (socket.index >= slot_count_) return nullptr;
    Connection& connection = At(socket.index);
    if (connection.state == ConnectionState::kFree || connection.socket != socket) return nullptr;
    return &connection;
  }

  // Room in the output for one whole frame, to be filled at once. `more_hint`: about how many bytes
  // will follow it in this turn.
  uint8_t* Append(Connection* to, size_t size, size_t more_hint = 0) {
    MarkDirty(to);
    return to->output.Append(buffers_, size, more_hint);
  }

  template <class P>
  void AppendFrame(Connection* to, const P& payload) {
    Encode(payload, Append(to, FrameSize(payload)));
  }

  // Whole frames that others send too.
  void AppendShared(Connection* to, SharedBytes* bytes, uint32_t offset, uint32_t size) {
    MarkDirty(to);
    to->output.AppendShared(buffers_, bytes, offset, size);
  }

  // Input is held from the next frame on, until every reason is gone.
  void Hold(Connection* connection, HoldReason reason) {
    connection->holds = static_cast<uint8_t>(connection->holds | reason);
  }
  void Unhold(Connection* connection, HoldReason reason);

  // The connection is over: its handler is told at the end of this turn, then `code` is sent
  // (unless it is kNone) behind what waits, and it closes. The first call counts.
  void End(Connection* connection, CloseReason reason, ErrorCode code = ErrorCode::kNone);

  // Begins to dial in this turn. Then the handler is told OnDialed or OnDialFailed, each with
  // `tag`, within the login's time limit.
  void Dial(const NetAddress& address, uint64_t tag, DialOptions options = {}) {
    dials_.push_back({address, tag, std::move(options)});
  }

  // Hands the connection to another shard, with the input that was not parsed, as soon as nothing
  // is under way on it.
  void Move(Connection* connection, uint32_t shard);

  // Connections that the listeners from `first_listener` on accept from now on speak TLS, with this
  // certificate; those that are dialled use it too. Null: there is none.
  void SetTls(std::shared_ptr<const TlsContext> context, uint32_t first_listener) {
    tls_ = std::move(context);
    first_tls_listener_ = first_listener;
  }
  const TlsContext* tls() const { return tls_.get(); }

  BufferPool* buffers() { return buffers_; }
  TimerWheel& timers() { return timers_; }
  uint32_t count() const { return count_; }

  // Calls visit(connection) for all that are not free, in order of index.
  template <class Visit>
  void ForEach(Visit&& visit) {
    for (uint32_t index = 0; index < slot_count_; ++index) {
      if (At(index).state != ConnectionState::kFree) visit(At(index));
    }
  }

 private:
  template <class IoType, class Handler>
  friend class ConnectionDriver;

  static constexpr uint32_t kChunkBits = 7;
  static constexpr uint32_t kChunkSize = 1u << kChunkBits;

  Connection& At(uint32_t index) {
    return chunks_[index >> kChunkBits][index & (kChunkSize - 1)];
  }

  void MarkDirty(Connection* connection) {
    if (connection->dirty) return;
    connection->dirty = true;
    dirty_.push_back(connection->socket.index);
  }

  Connection* Create(SocketId socket);
  // Whether the handler was not told yet what came of the dial.
  bool IsDialling(const Connection& connection) const { return DialOf(connection) != nullptr; }
  struct Dialling;
  const Dialling* DialOf(const Connection& connection) const;
  // The tag of one that it is told of now.
  uint64_t TakeDialTag(const Connection& connection);
  void Free(Connection* connection);
  // Keeps input for later. `capacity_hint`: how much is expected in all.
  void KeepInput(Connection* connection, Bytes bytes, size_t capacity_hint);
  void DropInput(Connection* connection);

  BufferPool* buffers_;
  TimerWheel timers_;
  std::vector<std::unique_ptr<Connection[]>> chunks_;
  uint32_t slot_count_ = 0;
  uint32_t count_ = 0;
  // Work for the driver, by index; each connection is at most once on each list.
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> resumed_;
  std::vector<uint32_t> ending_;
  std::vector<uint32_t> moving_;
  struct DialWanted {
    NetAddress address;
    uint64_t tag;
    DialOptions options;
  };
  std::vector<DialWanted> dials_;
  // Dials that the handler was not told the end of: few, since servers know each other by name.
  struct Dialling {
    uint32_t index;
    uint64_t tag;
    DialOptions options;
  };
  std::vector<Dialling> dialling_;
  std::shared_ptr<const TlsContext> tls_;
  uint32_t first_tls_listener_ = UINT32_MAX;
};

}  // namespace solec

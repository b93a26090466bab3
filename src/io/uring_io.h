// The I/O of one shard on Linux io_uring: one ring, used by one thread. One system call a turn
// submits everything that was asked for and waits for what happens (see io.h for the rules).
//
// SINGLE_ISSUER and DEFER_TASKRUN: completions are worked on only inside Turn. When the receive
// buffers run out, receives wait for buffers, which come back within the same turn. A full
// submission queue is submitted early; a full completion queue is kept by the kernel (FEAT_NODROP)
// and counted.
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/assert.h"
#include "io/io.h"
#include "io/receive_buffers.h"
#include "io/uring_compat.h"

namespace solec {

struct UringOptions {
  uint32_t entries = 4096;  // of the submission queue; the completion queue has four times that
  ReceiveBuffers::Options receive_buffers = {ReceiveBufferMode::kPlain, 256, 16384};
};

// The options that make the best of what the kernel has.
UringOptions BestUringOptions(ReceiveBufferMode mode);

// Events that only the kernel side sees; the shard adds them to its counters.
struct UringCounts {
  uint64_t buffers_exhausted = 0;
  uint64_t completions_overflowed = 0;
  uint64_t accept_failures = 0;
};

class UringIo {
 public:
  using NativeHandle = int;  // a file descriptor

  // Makes the ring, from any thread. On failure the text says what to do about it.
  static absl::StatusOr<std::unique_ptr<UringIo>> Create(const UringOptions& options);
  ~UringIo();
  UringIo(const UringIo&) = delete;
  UringIo& operator=(const UringIo&) = delete;

  int ring_fd() const { return ring_.ring_fd; }
  // Before Start: listening sockets (taken over), and the rings of all shards, for Wake.
  void Listen(uint32_t listener, int fd) { listeners_.push_back({listener, fd, 0}); }
  void SetPeers(std::vector<int> ring_fds) { peer_rings_ = std::move(ring_fds); }
  // On the thread that will call Turn.
  absl::Status Start();
  // Stops accepting; what the kernel had queued is reset.
  void StopListening();

  // --- the concept (io.h) ---
  SocketId Adopt(NativeHandle fd);
  NativeHandle Release(SocketId socket);
  SocketId Connect(const NetAddress& address);
  void Receive(SocketId socket, ReceiveMode mode);
  void StopReceive(SocketId socket);
  void Send(SocketId socket, std::span<const Bytes> slices);
  void ShutdownWrite(SocketId socket);
  void Close(SocketId socket);
  void SetTimer(uint64_t deadline_ns) { deadline_ns_ = deadline_ns; }
  void Wake(uint32_t shard);
  uint64_t NowNs() const { return now_ns_; }
  std::string PeerText(SocketId socket) const;
  uint64_t AckedBytes(SocketId socket) const;
  uint64_t UnackedBytes(SocketId socket) const;
  template <IoHandler H>
  bool Turn(H& handler, bool may_sleep);

  // Makes Turn return; from any thread.
  void WakeFromOutside();
  const UringCounts& counts() const { return counts_; }

 private:
  enum class Op : uint8_t { kIgnored, kAccept, kConnect, kReceive, kSend, kWake };

  struct Socket {
    int fd = -1;
    uint32_t generation = 0;
    ReceiveMode mode = ReceiveMode::kOnce;
    bool connecting : 1 = false;
    bool receiving : 1 = false;
    bool stopping : 1 = false;
    bool sending : 1 = false;
    bool closing : 1 = false;
  };
  struct Listener {
    uint32_t number;
    int fd;
    uint64_t retry_at_ns;  // 0: it accepts
  };
  struct SendSlices {
    msghdr header;
    std::array<iovec, kIoSlicesMax> slices;
  };

  UringIo() = default;

  static uint64_t Tag(Op op, uint32_t generation, uint32_t index) {
    return uint64_t{static_cast<uint8_t>(op)} << 56 |
           uint64_t{generation & 0xFF'FFFF} << 32 | index;
  }
  io_uring_sqe* NextEntry();
  void SubmitReceive(uint32_t index);
  void SubmitAccept(size_t listener);
  void SubmitWakeRead();
  void SubmitAndWait(bool may_sleep);
  void FinishClose(uint32_t index);
  template <IoHandler H>
  void OnCompletion(H& handler, uint64_t tag, int result, uint32_t flags);
  template <IoHandler H>
  void OnReceiveCompletion(H& handler, uint32_t index, int result, uint32_t flags);
  template <IoHandler H>
  void EndReceive(H& handler, uint32_t index, int result);
  Socket& At(SocketId socket) {
    SOLEC_ASSERT(sockets_[socket.index].generation == socket.generation);
    return sockets_[socket.index];
  }

  UringOptions options_;
  io_uring ring_{};
  bool ring_made_ = false;
  ReceiveBuffers buffers_;
  std::vector<Socket> sockets_;
  std::vector<uint32_t> free_;
  std::vector<Listener> listeners_;
  std::vector<int> peer_rings_;
  std::vector<uint32_t> starved_;  // receives that found no buffer
  std::vector<uint32_t> closed_;   // to be told in the next Turn
  struct FailedConnect {
    SocketId socket;
    int error;
  };
  std::vector<FailedConnect> failed_connects_;  // that got no descriptor; told in the next Turn
  // Of the connects that are not submitted yet: the kernel copies them when it takes them.
  std::vector<std::unique_ptr<sockaddr_storage>> connect_addresses_;
  // Slices of the sends that are not submitted yet: the kernel copies them when it takes them.
  std::vector<std::unique_ptr<SendSlices>> send_slices_;
  size_t send_slices_used_ = 0;
  int event_fd_ = -1;
  uint64_t event_value_ = 0;
  uint64_t now_ns_ = 0;
  uint64_t deadline_ns_ = kNoDeadline;
  UringCounts counts_;
};

// --- implementation of the templates ---

template <IoHandler H>
bool UringIo::Turn(H& handler, bool may_sleep) {
  SubmitAndWait(may_sleep && closed_.empty() && starved_.empty() && failed_connects_.empty());
  bool any = !closed_.empty() || !failed_connects_.empty();
  unsigned head, count = 0;
  io_uring_cqe* completion;
  // A handler may submit (a full queue), which may add completions: those are seen in this pass
  // too.
  io_uring_for_each_cqe(&ring_, head, completion) {
    const uint64_t tag = completion->user_data;
    const int result = completion->res;
    const uint32_t flags = completion->flags;
    any = true;
    if (++count == 256) {  // make room before it can overflow
      io_uring_cq_advance(&ring_, count);
      count = 0;
    }
    OnCompletion(handler, tag, result, flags);
  }
  io_uring_cq_advance(&ring_, count);

  for (const FailedConnect& failed : std::exchange(failed_connects_, {})) {
    Socket& socket = sockets_[failed.socket.index];
    if (socket.generation != failed.socket.generation || socket.closing) continue;
    socket.connecting = false;
    handler.OnConnected(failed.socket, failed.error);
  }
  std::vector<uint32_t> starved = std::exchange(starved_, {});
  for (uint32_t index : starved) {
    if (!sockets_[index].receiving) continue;
    // Nothing is under way that a cancellation could have ended.
    if (sockets_[index].stopping) EndReceive(handler, index, 0);
    else SubmitReceive(index);
  }
  std::vector<uint32_t> closed = std::exchange(closed_, {});
  for (uint32_t index : closed) {
    const SocketId socket{index, sockets_[index].generation};
    FinishClose(index);
    handler.OnClosed(socket);
  }
  return any;
}

template <IoHandler H>
void UringIo::OnCompletion(H& handler, uint64_t tag, int result, uint32_t flags) {
  const auto index = static_cast<uint32_t>(tag);
  const auto generation = static_cast<uint32_t>(tag >> 32) & 0xFF'FFFF;
  switch (static_cast<Op>(tag >> 56)) {
    case Op::kIgnored:
      return;
    case Op::kWake:
      SubmitWakeRead();
      return;
    case Op::kAccept: {
      Listener& listener = listeners_[index];
      if (result >= 0) {
        handler.OnAccept(listener.number, Adopt(result));
        if ((flags & IORING_CQE_F_MORE) == 0 && listener.fd >= 0) SubmitAccept(index);
      } else if (listener.fd >= 0) {
        ++counts_.accept_failures;  // out of descriptors, mostly: somebody must close first
        listener.retry_at_ns = now_ns_ + 100'000'000;
      }
      return;
    }
    case Op::kConnect: {
      Socket& socket = sockets_[index];
      if ((socket.generation & 0xFF'FFFF) != generation) return;
      socket.connecting = false;
      if (socket.closing) closed_.push_back(index);
      else handler.OnConnected({index, socket.generation}, -result);
      return;
    }
    case Op::kSend: {
      Socket& socket = sockets_[index];
      if ((socket.generation & 0xFF'FFFF) != generation) return;
      socket.sending = false;
      if (socket.closing && !socket.receiving) closed_.push_back(index);
      handler.OnSent({index, socket.generation}, result);
      return;
    }
    case Op::kReceive:
      if ((sockets_[index].generation & 0xFF'FFFF) != generation) {
        buffers_.Consume(flags, result, [](Bytes) {});
        return;
      }
      OnReceiveCompletion(handler, index, result, flags);
      return;
  }
}

template <IoHandler H>
void UringIo::OnReceiveCompletion(H& handler, uint32_t index, int result, uint32_t flags) {
  const SocketId id{index, sockets_[index].generation};
  buffers_.Consume(flags, result, [&](Bytes bytes) {
    if (!sockets_[index].closing) handler.OnReceive(id, bytes);
  });
  if ((flags & IORING_CQE_F_MORE) != 0) return;
  // The handler may have accepted others: the table may have moved.
  Socket& socket = sockets_[index];
  if (!socket.closing && !socket.stopping) {
    if (result == -ENOBUFS) {
      ++counts_.buffers_exhausted;
      starved_.push_back(index);
      return;
    }
    if (result > 0 && socket.mode == ReceiveMode::kStream) {
      SubmitReceive(index);
      return;
    }
    if (result == -EINTR || result == -EAGAIN) {
      SubmitReceive(index);
      return;
    }
  }
  EndReceive(handler, index, result);
}

template <IoHandler H>
void UringIo::EndReceive(H& handler, uint32_t index, int result) {
  Socket& socket = sockets_[index];
  socket.receiving = false;
  if (socket.closing) {
    if (!socket.sending) closed_.push_back(index);
    return;
  }
  const bool stopped = socket.stopping;
  socket.stopping = false;
  ReceiveEnd end = ReceiveEnd::kError;
  if (stopped) end = ReceiveEnd::kStopped;
  else if (result == 0) end = ReceiveEnd::kEof;
  else if (result > 0) end = ReceiveEnd::kDone;
  handler.OnReceiveEnd({index, socket.generation}, end, result < 0 ? -result : 0);
}

}  // namespace solec

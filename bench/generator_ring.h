// The generator's own I/O: one io_uring, one thread, one system call a turn. It shares no code with
// the server's, so that a mistake in one does not hide in the other.
//
// SINGLE_ISSUER and DEFER_TASKRUN; multishot receives into one ring of provided buffers; sends with
// MSG_WAITALL. At most one send is under way on a client (the caller's duty). Bounded: one buffer
// of 16 KiB a client, at most 1,024 (fewer stay in the cache); receives that found none are started
// again at the turn's end.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "io/uring_compat.h"

namespace solec {

class GeneratorRing {
 public:
  static constexpr uint64_t kWaitForever = UINT64_MAX;

  // On the thread that will call Turn. `client_count`: about how many there will be. On failure the
  // text says what to do.
  static absl::StatusOr<std::unique_ptr<GeneratorRing>> Create(uint32_t client_count);
  ~GeneratorRing();
  GeneratorRing(const GeneratorRing&) = delete;
  GeneratorRing& operator=(const GeneratorRing&) = delete;

  // `client`: the caller's small number for the socket; it comes back with every event.
  void Connect(uint32_t client, int fd, const sockaddr_storage* address, socklen_t size);
  // Receives until the connection ends.
  void Receive(uint32_t client, int fd);
  // `bytes` stay untouched until OnSent.
  void Send(uint32_t client, int fd, Bytes bytes);

  // Submits all that was asked for, waits at most `wait_ns` for something to happen (0: does not
  // wait), and hands what happened to `handler`:
  //   OnConnected(client, error)        0 or an errno
  //   OnReceived(client, bytes)         they live for the call
  //   OnReceiveEnd(client, error)       the end of the stream (0) or an errno
  //   OnSent(client, size, error)       all bytes, unless there is an error
  template <class Handler>
  void Turn(Handler& handler, uint64_t wait_ns);

 private:
  static constexpr uint32_t kEntries = 4096;
  static constexpr uint32_t kBuffersMin = 64, kBuffersMax = 1024;
  static constexpr uint32_t kBufferBytes = 16384;
  static constexpr uint16_t kBufferGroup = 0;

  enum class Op : uint8_t { kConnect, kReceive, kSend };

  GeneratorRing() = default;

  static uint64_t Tag(Op op, uint32_t client) {
    return uint64_t{static_cast<uint8_t>(op)} << 32 | client;
  }
  io_uring_sqe* NextEntry();
  void SubmitReceive(uint32_t client);
  void SubmitAndWait(uint64_t wait_ns);
  void GiveBuffer(uint32_t id);
  template <class Handler>
  void OnCompletion(Handler& handler, const io_uring_cqe& completion);

  io_uring ring_{};
  bool ring_made_ = false;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  uint8_t* buffers_ = nullptr;
  uint32_t buffer_count_ = 0;      // a power of two
  int given_ = 0;                  // buffers that are back but not shown to the kernel yet
  std::vector<int> receive_fds_;   // by client
  std::vector<uint32_t> starved_;  // receives that found no buffer
};

// --- implementation of the templates ---

template <class Handler>
void GeneratorRing::Turn(Handler& handler, uint64_t wait_ns) {
  SubmitAndWait(starved_.empty() ? wait_ns : 0);
  io_uring_cqe* batch[256];
  while (const unsigned count = io_uring_peek_batch_cqe(&ring_, batch, 256)) {
    for (unsigned i = 0; i < count; ++i) OnCompletion(handler, *batch[i]);
    io_uring_cq_advance(&ring_, count);
    io_uring_buf_ring_advance(buffer_ring_, given_);
    given_ = 0;
  }
  for (uint32_t client : std::exchange(starved_, {})) SubmitReceive(client);
}

template <class Handler>
void GeneratorRing::OnCompletion(Handler& handler, const io_uring_cqe& completion) {
  const auto client = static_cast<uint32_t>(completion.user_data);
  const int result = completion.res;
  const int error = result < 0 ? -result : 0;
  switch (static_cast<Op>(completion.user_data >> 32)) {
    case Op::kConnect:
      handler.OnConnected(client, error);
      return;
    case Op::kSend:
      handler.OnSent(client, result > 0 ? static_cast<size_t>(result) : 0, error);
      return;
    case Op::kReceive:
      break;
  }
  if (result > 0) {
    const uint32_t buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    handler.OnReceived(
        client, Bytes(buffers_ + size_t{buffer} * kBufferBytes, static_cast<size_t>(result)));
    GiveBuffer(buffer);
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  if (result > 0 || error == ENOBUFS || error == EINTR || error == EAGAIN) {
    starved_.push_back(client);
  } else {
    handler.OnReceiveEnd(client, error);
  }
}

}  // namespace solec

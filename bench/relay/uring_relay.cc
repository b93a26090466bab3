// The relay on io_uring, as good as we can make it: multishot accept and receive, one enter a turn,
// and no copy: what was received is sent on out of the same provided buffer, which goes back to the
// ring when the last send that refers to it is over. What came for one connection in one turn
// leaves in one send, and a connection never has two sends under way.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bench/relay/relay.h"
#include "io/uring_compat.h"

namespace solec {
namespace {

constexpr uint32_t kEntries = 4096;
constexpr uint32_t kBufferCount = 512;  // a power of two; few enough to stay in the cache
constexpr uint32_t kBufferBytes = 16384;
constexpr uint16_t kBufferGroup = 0;
constexpr uint32_t kNoBuffer = UINT32_MAX;
constexpr size_t kSlicesMax = 16;

class UringRelay {
 public:
  UringRelay(int listener, RelayMode mode)
      : listener_(listener), mode_(mode), references_(kBufferCount, 0) {}

  absl::Status Run() {
    if (absl::Status status = SetUp(); !status.ok()) return status;
    Accept();
    for (;;) {
      const int result = io_uring_submit_and_wait(&ring_, 1);
      messages_used_ = 0;
      if (result < 0 && result != -EINTR && result != -EBUSY) return Failed(-result);
      io_uring_cqe* batch[256];
      while (const unsigned count = io_uring_peek_batch_cqe(&ring_, batch, 256)) {
        for (unsigned i = 0; i < count; ++i) OnCompletion(*batch[i]);
        io_uring_cq_advance(&ring_, count);
      }
      Flush();
    }
  }

 private:
  enum class Op : uint8_t { kAccept, kReceive, kSend };

  struct Slice {
    uint32_t buffer;
    uint32_t size;
  };

  struct Peer {
    int fd = -1;
    bool sending = false;
    bool listed = false;
    bool closing = false;
    uint32_t slices_in_flight = 0;
    std::vector<Slice> output;  // the first slices_in_flight are being sent
  };

  // Of one send; the kernel has its copy once the send is submitted.
  struct SendMessage {
    msghdr header;
    std::array<iovec, kSlicesMax> vectors;
  };

  static absl::Status Failed(int error) {
    return absl::InternalError(std::string("io_uring: ") + std::strerror(error));
  }

  absl::Status SetUp() {
    io_uring_params parameters{};
    parameters.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = kEntries * 4;
    int result = io_uring_queue_init_params(kEntries, &ring_, &parameters);
    if (result < 0) return Failed(-result);
    auto map = [](size_t size) {
      return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    buffer_ring_ = static_cast<io_uring_buf_ring*>(map(kBufferCount * sizeof(io_uring_buf)));
    buffers_ = static_cast<uint8_t*>(map(size_t{kBufferCount} * kBufferBytes));
    if (buffer_ring_ == MAP_FAILED || buffers_ == MAP_FAILED) return Failed(ENOMEM);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uint64_t>(buffer_ring_);
    registration.ring_entries = kBufferCount;
    registration.bgid = kBufferGroup;
    result = io_uring_register_buf_ring(&ring_, &registration, 0);
    if (result < 0) return Failed(-result);
    io_uring_buf_ring_init(buffer_ring_);
    for (uint32_t id = 0; id < kBufferCount; ++id) GiveBuffer(id);
    io_uring_register_ring_fd(&ring_);
    return absl::OkStatus();
  }

  io_uring_sqe* NextEntry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    while (entry == nullptr) {
      io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    return entry;
  }

  void GiveBuffer(uint32_t id) {
    io_uring_buf_ring_add(buffer_ring_, buffers_ + size_t{id} * kBufferBytes, kBufferBytes,
                          static_cast<uint16_t>(id), io_uring_buf_ring_mask(kBufferCount), 0);
    io_uring_buf_ring_advance(buffer_ring_, 1);
  }

  void Unref(uint32_t buffer) {
    if (buffer != kNoBuffer && --references_[buffer] == 0) GiveBuffer(buffer);
  }

  static void SetTag(io_uring_sqe* entry, Op op, uint32_t number) {
    entry->user_data = uint64_t{static_cast<uint8_t>(op)} << 32 | number;
  }

  void Accept() {
    io_uring_sqe* entry = NextEntry();
    io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    SetTag(entry, Op::kAccept, 0);
  }

  void Receive(uint32_t number) {
    io_uring_sqe* entry = NextEntry();
    io_uring_prep_recv_multishot(entry, peers_[number]->fd, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kBufferGroup;
    SetTag(entry, Op::kReceive, number);
  }

  void OnCompletion(const io_uring_cqe& completion) {
    const auto number = static_cast<uint32_t>(completion.user_data);
    switch (static_cast<Op>(completion.user_data >> 32)) {
      case Op::kAccept:
        if (completion.res >= 0) OnAccept(completion.res);
        if ((completion.flags & IORING_CQE_F_MORE) == 0) Accept();
        return;
      case Op::kReceive:
        return OnReceive(number, completion.res, completion.flags);
      case Op::kSend:
        return OnSent(number);
    }
  }

  void OnAccept(int fd) {
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    const auto number = static_cast<uint32_t>(peers_.size());
    peers_.push_back(std::make_unique<Peer>());
    peers_[number]->fd = fd;
    if (mode_ == RelayMode::kFanout) {
      Receive(number);
    } else if (number % 2 == 1) {
      if (peers_[number - 1]->fd >= 0) Receive(number - 1);
      Receive(number);
    }
    Append(number, {kNoBuffer, 1});
  }

  void OnReceive(uint32_t number, int result, uint32_t flags) {
    if (result > 0) {
      const Slice slice{flags >> IORING_CQE_BUFFER_SHIFT, static_cast<uint32_t>(result)};
      references_[slice.buffer] = 1;  // ours, so that it does not go back halfway
      if (mode_ == RelayMode::kPairs) {
        Append(number ^ 1, slice);
      } else if (number == 0) {
        for (uint32_t to = 1; to < peers_.size(); ++to) Append(to, slice);
      }
      Unref(slice.buffer);
    }
    if ((flags & IORING_CQE_F_MORE) != 0) return;
    Peer& peer = *peers_[number];
    if (result > 0 || result == -ENOBUFS || result == -EINTR || result == -EAGAIN) {
      starved_.push_back(number);
      return;
    }
    shutdown(peer.fd, SHUT_RDWR);  // a send under way ends
    Drop(number);
  }

  void Append(uint32_t number, Slice slice) {
    Peer& peer = *peers_[number];
    if (peer.fd < 0 || peer.closing) return;
    if (slice.buffer != kNoBuffer) ++references_[slice.buffer];
    peer.output.push_back(slice);
    MarkReady(number);
  }

  void MarkReady(uint32_t number) {
    Peer& peer = *peers_[number];
    if (peer.listed || peer.sending || peer.output.empty()) return;
    peer.listed = true;
    ready_.push_back(number);
  }

  void Flush() {
    for (uint32_t number : ready_) Send(number);
    ready_.clear();
    for (uint32_t number : std::exchange(starved_, {})) {
      Receive(number);
    }
  }

  uint8_t* BytesOf(const Slice& slice) {
    if (slice.buffer == kNoBuffer) return const_cast<uint8_t*>(&kRelayGreeting);
    return buffers_ + size_t{slice.buffer} * kBufferBytes;
  }

  void Send(uint32_t number) {
    Peer& peer = *peers_[number];
    peer.listed = false;
    if (peer.fd < 0 || peer.output.empty()) return;
    peer.sending = true;
    peer.slices_in_flight = static_cast<uint32_t>(std::min(peer.output.size(), kSlicesMax));
    if (messages_used_ == messages_.size()) messages_.push_back(std::make_unique<SendMessage>());
    SendMessage& message = *messages_[messages_used_];
    for (uint32_t i = 0; i < peer.slices_in_flight; ++i) {
      message.vectors[i] = {BytesOf(peer.output[i]), peer.output[i].size};
    }
    io_uring_sqe* entry = NextEntry();
    if (peer.slices_in_flight == 1) {
      io_uring_prep_send(entry, peer.fd, message.vectors[0].iov_base, message.vectors[0].iov_len,
                         MSG_NOSIGNAL | MSG_WAITALL);
    } else {
      ++messages_used_;
      message.header = {};
      message.header.msg_iov = message.vectors.data();
      message.header.msg_iovlen = peer.slices_in_flight;
      io_uring_prep_sendmsg(entry, peer.fd, &message.header, MSG_NOSIGNAL | MSG_WAITALL);
    }
    SetTag(entry, Op::kSend, number);
  }

  // All of it was sent, or the connection is broken and its end will be received.
  void OnSent(uint32_t number) {
    Peer& peer = *peers_[number];
    peer.sending = false;
    for (uint32_t i = 0; i < peer.slices_in_flight; ++i) Unref(peer.output[i].buffer);
    peer.output.erase(peer.output.begin(), peer.output.begin() + peer.slices_in_flight);
    peer.slices_in_flight = 0;
    if (peer.closing) return Drop(number);
    MarkReady(number);
  }

  // Closes it as soon as nothing of it is under way.
  void Drop(uint32_t number) {
    Peer& peer = *peers_[number];
    peer.closing = true;
    if (peer.sending) return;
    for (const Slice& slice : peer.output) Unref(slice.buffer);
    peer.output.clear();
    close(peer.fd);
    peer.fd = -1;
  }

  const int listener_;
  const RelayMode mode_;
  io_uring ring_{};
  io_uring_buf_ring* buffer_ring_ = nullptr;
  uint8_t* buffers_ = nullptr;
  std::vector<uint32_t> references_;          // by buffer: sends that refer to it
  std::vector<std::unique_ptr<Peer>> peers_;  // by order of accepting
  std::vector<uint32_t> ready_;
  std::vector<std::unique_ptr<SendMessage>> messages_;  // of the sends that are not submitted yet
  size_t messages_used_ = 0;
  std::vector<uint32_t> starved_;
};

}  // namespace

absl::Status RunUringRelay(int listener, RelayMode mode) {
  return UringRelay(listener, mode).Run();
}

}  // namespace solec

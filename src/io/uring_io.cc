#include "io/uring_io.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/assert.h"
#include "io/uring_probe.h"

namespace solec {

static uint64_t SteadyNowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

UringOptions BestUringOptions(ReceiveBufferMode mode) {
  UringOptions options;
  options.receive_buffers.mode = mode;
  // Incremental buffers are shared by all sockets with something to read: few, and large.
  if (mode == ReceiveBufferMode::kIncremental) {
    options.receive_buffers.count = 64;
    options.receive_buffers.bytes = 65536;
  }
  return options;
}

absl::StatusOr<std::unique_ptr<UringIo>> UringIo::Create(const UringOptions& options) {
  std::unique_ptr<UringIo> io(new UringIo());
  io->options_ = options;
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  parameters.cq_entries = options.entries * 4;
  const int result = io_uring_queue_init_params(options.entries, &io->ring_, &parameters);
  if (result < 0) return UringError(-result);
  io->ring_made_ = true;
  io->event_fd_ = eventfd(0, EFD_CLOEXEC);
  if (io->event_fd_ < 0) return UringError(errno);
  io->now_ns_ = SteadyNowNs();
  return io;
}

UringIo::~UringIo() {
  for (const Listener& listener : listeners_) {
    if (listener.fd >= 0) close(listener.fd);
  }
  if (ring_made_) io_uring_queue_exit(&ring_);
  for (const Socket& socket : sockets_) {
    if (socket.fd >= 0) close(socket.fd);
  }
  if (event_fd_ >= 0) close(event_fd_);
}

absl::Status UringIo::Start() {
  if (int result = EnableRing(&ring_); result < 0) return UringError(-result);
  if (int result = buffers_.Register(&ring_, options_.receive_buffers); result < 0) {
    return UringError(-result);
  }
  io_uring_register_ring_fd(&ring_);  // saves a lookup per call; without it all works too
  for (size_t i = 0; i < listeners_.size(); ++i) SubmitAccept(i);
  SubmitWakeRead();
  return absl::OkStatus();
}

void UringIo::StopListening() {
  for (Listener& listener : listeners_) {
    if (listener.fd < 0) continue;
    io_uring_sqe* entry = NextEntry();
    io_uring_prep_cancel_fd(entry, listener.fd, IORING_ASYNC_CANCEL_ALL);
    entry->user_data = Tag(Op::kIgnored, 0, 0);
    io_uring_submit(&ring_);
    close(listener.fd);
    listener.fd = -1;
    listener.retry_at_ns = 0;
  }
}

io_uring_sqe* UringIo::NextEntry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry != nullptr) [[likely]] return entry;
  // Full: submitting empties it, whatever becomes of the entries.
  const int submitted = io_uring_submit(&ring_);
  entry = io_uring_get_sqe(&ring_);
  SOLEC_ASSERT(submitted > 0 && entry != nullptr);
  return entry;
}

void UringIo::SubmitAccept(size_t listener) {
  listeners_[listener].retry_at_ns = 0;
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_multishot_accept(entry, listeners_[listener].fd, nullptr, nullptr, SOCK_CLOEXEC);
  entry->user_data = Tag(Op::kAccept, 0, static_cast<uint32_t>(listener));
}

void UringIo::SubmitWakeRead() {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_read(entry, event_fd_, &event_value_, sizeof(event_value_), 0);
  entry->user_data = Tag(Op::kWake, 0, 0);
}

void UringIo::SubmitReceive(uint32_t index) {
  const Socket& socket = sockets_[index];
  io_uring_sqe* entry = NextEntry();
  if (socket.mode == ReceiveMode::kStream) {
    io_uring_prep_recv_multishot(entry, socket.fd, nullptr, 0, 0);
  } else {
    io_uring_prep_recv(entry, socket.fd, nullptr, kReceiveOnceBytesMax, 0);
  }
  buffers_.Select(entry, socket.mode == ReceiveMode::kStream);
  entry->user_data = Tag(Op::kReceive, socket.generation, index);
}

void UringIo::SubmitAndWait(bool may_sleep) {
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].retry_at_ns != 0 && now_ns_ >= listeners_[i].retry_at_ns) SubmitAccept(i);
  }
  uint64_t deadline = deadline_ns_;
  for (const Listener& listener : listeners_) {
    if (listener.retry_at_ns != 0) deadline = std::min(deadline, listener.retry_at_ns);
  }
  if (!may_sleep || io_uring_cq_ready(&ring_) != 0) {
    io_uring_submit_and_get_events(&ring_);
  } else if (deadline == kNoDeadline) {
    io_uring_submit_and_wait(&ring_, 1);
  } else {
    const uint64_t now = SteadyNowNs();
    const uint64_t left = deadline > now ? deadline - now : 0;
    __kernel_timespec timeout{static_cast<int64_t>(left / 1'000'000'000),
                              static_cast<long long>(left % 1'000'000'000)};
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
  send_slices_used_ = 0;
  connect_addresses_.clear();
  now_ns_ = SteadyNowNs();
  counts_.completions_overflowed = *ring_.cq.koverflow;
}

// --- sockets ---

SocketId UringIo::Adopt(NativeHandle fd) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(sockets_.size()));
    sockets_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  sockets_[index].fd = fd;
  return {index, sockets_[index].generation};
}

UringIo::NativeHandle UringIo::Release(SocketId id) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.receiving && !socket.sending && !socket.closing && !socket.connecting);
  const int fd = socket.fd;
  const uint32_t generation = socket.generation + 1;
  socket = {};
  socket.generation = generation;
  free_.push_back(id.index);
  return fd;
}

SocketId UringIo::Connect(const NetAddress& address) {
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int error = errno;
  const SocketId id = Adopt(fd);
  sockets_[id.index].connecting = true;
  if (fd < 0) {
    failed_connects_.push_back({id, error});
    return id;
  }
  const int yes = 1;  // as those that a listener accepts have them
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  auto storage = std::make_unique<sockaddr_storage>();
  socklen_t size = sizeof(sockaddr_in);
  if (address.is_v6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(storage.get());
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    std::memcpy(&v6->sin6_addr, address.ip.data(), sizeof(v6->sin6_addr));
    size = sizeof(sockaddr_in6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(storage.get());
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    std::memcpy(&v4->sin_addr, address.ip.data(), sizeof(v4->sin_addr));
  }
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_connect(entry, fd, reinterpret_cast<const sockaddr*>(storage.get()), size);
  entry->user_data = Tag(Op::kConnect, id.generation, id.index);
  connect_addresses_.push_back(std::move(storage));
  return id;
}

void UringIo::Receive(SocketId id, ReceiveMode mode) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.receiving && !socket.connecting);
  socket.receiving = true;
  socket.stopping = false;
  socket.mode = mode;
  SubmitReceive(id.index);
}

void UringIo::StopReceive(SocketId id) {
  Socket& socket = At(id);
  if (!socket.receiving || socket.stopping) return;
  socket.stopping = true;
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_cancel64(entry, Tag(Op::kReceive, id.generation, id.index), 0);
  entry->user_data = Tag(Op::kIgnored, 0, 0);
}

void UringIo::Send(SocketId id, std::span<const Bytes> slices) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.sending && !socket.connecting);
  SOLEC_ASSERT(!slices.empty() && slices.size() <= kIoSlicesMax);
  socket.sending = true;
  io_uring_sqe* entry = NextEntry();
  if (slices.size() == 1) {
    io_uring_prep_send(entry, socket.fd, slices[0].data(), slices[0].size(),
                       MSG_NOSIGNAL | MSG_WAITALL);
  } else {
    if (send_slices_used_ == send_slices_.size()) {
      send_slices_.push_back(std::make_unique<SendSlices>());
    }
    SendSlices& message = *send_slices_[send_slices_used_++];
    for (size_t i = 0; i < slices.size(); ++i) {
      message.slices[i] = {const_cast<uint8_t*>(slices[i].data()), slices[i].size()};
    }
    message.header = {};
    message.header.msg_iov = message.slices.data();
    message.header.msg_iovlen = slices.size();
    io_uring_prep_sendmsg(entry, socket.fd, &message.header, MSG_NOSIGNAL | MSG_WAITALL);
  }
  entry->user_data = Tag(Op::kSend, id.generation, id.index);
}

void UringIo::ShutdownWrite(SocketId id) { shutdown(At(id).fd, SHUT_WR); }

void UringIo::Close(SocketId id) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.closing);
  socket.closing = true;
  const bool starved = std::erase(starved_, id.index) != 0;
  if (starved) socket.receiving = false;
  if (socket.fd < 0) socket.connecting = false;  // nothing ever was under way
  if (!socket.receiving && !socket.sending && !socket.connecting) {
    closed_.push_back(id.index);
    return;
  }
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_cancel_fd(entry, socket.fd, IORING_ASYNC_CANCEL_ALL);
  entry->user_data = Tag(Op::kIgnored, 0, 0);
}

void UringIo::FinishClose(uint32_t index) {
  Socket& socket = sockets_[index];
  if (socket.fd >= 0) close(socket.fd);
  const uint32_t generation = socket.generation + 1;
  socket = {};
  socket.generation = generation;
  free_.push_back(index);
}

void UringIo::Wake(uint32_t shard) {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_msg_ring(entry, peer_rings_[shard], 0, Tag(Op::kIgnored, 0, 0), 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = Tag(Op::kIgnored, 0, 0);
}

void UringIo::WakeFromOutside() {
  const uint64_t one = 1;
  static_cast<void>(!write(event_fd_, &one, sizeof(one)));
}

std::string UringIo::PeerText(SocketId id) const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  char text[INET6_ADDRSTRLEN] = "?";
  if (getpeername(sockets_[id.index].fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return "?:0";
  }
  if (storage.ss_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(address->sin_port));
  }
  const auto* address = reinterpret_cast<const sockaddr_in6*>(&storage);
  inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(address->sin6_port));
}

uint64_t UringIo::AckedBytes(SocketId id) const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(sockets_[id.index].fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_acked;
}

uint64_t UringIo::UnackedBytes(SocketId id) const {
  int size = 0;  // tcp(7), SIOCOUTQ: what was written and not acknowledged, a FIN not counted
  if (ioctl(sockets_[id.index].fd, SIOCOUTQ, &size) != 0 || size < 0) return 0;
  return static_cast<uint64_t>(size);
}

}  // namespace solec

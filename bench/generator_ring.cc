#include "bench/generator_ring.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "bench/steady_clock.h"

namespace solec {

static absl::Status RingFailed(int error) {
  std::string text = std::string("io_uring: ") + std::strerror(error);
  if (error == EPERM || error == EACCES || error == ENOSYS) {
    text += "; allow it: sysctl kernel.io_uring_disabled=0, and a seccomp profile that permits it";
  } else if (error == ENOMEM) {
    text += "; raise the limit of locked memory (ulimit -l)";
  } else if (error == EINVAL) {
    text += "; Linux 6.1 or later is needed";
  }
  return absl::PermissionDeniedError(text);
}

static void* MapPages(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

absl::StatusOr<std::unique_ptr<GeneratorRing>> GeneratorRing::Create(uint32_t client_count) {
  std::unique_ptr<GeneratorRing> it(new GeneratorRing());
  it->buffer_count_ = std::bit_ceil(std::clamp(client_count, kBuffersMin, kBuffersMax));
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  parameters.cq_entries = kEntries * 8;
  if (int result = io_uring_queue_init_params(kEntries, &it->ring_, &parameters); result < 0) {
    return RingFailed(-result);
  }
  it->ring_made_ = true;
  it->buffer_ring_ =
      static_cast<io_uring_buf_ring*>(MapPages(it->buffer_count_ * sizeof(io_uring_buf)));
  it->buffers_ = static_cast<uint8_t*>(MapPages(size_t{it->buffer_count_} * kBufferBytes));
  if (it->buffer_ring_ == nullptr || it->buffers_ == nullptr) return RingFailed(ENOMEM);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(it->buffer_ring_);
  registration.ring_entries = it->buffer_count_;
  registration.bgid = kBufferGroup;
  if (int result = io_uring_register_buf_ring(&it->ring_, &registration, 0); result < 0) {
    return RingFailed(-result);
  }
  io_uring_buf_ring_init(it->buffer_ring_);
  for (uint32_t id = 0; id < it->buffer_count_; ++id) it->GiveBuffer(id);
  io_uring_buf_ring_advance(it->buffer_ring_, std::exchange(it->given_, 0));
  io_uring_register_ring_fd(&it->ring_);  // saves a look-up per call; all works without it too
  return it;
}

GeneratorRing::~GeneratorRing() {
  if (ring_made_) io_uring_queue_exit(&ring_);
  if (buffers_ != nullptr) munmap(buffers_, size_t{buffer_count_} * kBufferBytes);
  if (buffer_ring_ != nullptr) munmap(buffer_ring_, buffer_count_ * sizeof(io_uring_buf));
}

io_uring_sqe* GeneratorRing::NextEntry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void GeneratorRing::GiveBuffer(uint32_t id) {
  io_uring_buf_ring_add(buffer_ring_, buffers_ + size_t{id} * kBufferBytes, kBufferBytes,
                        static_cast<uint16_t>(id), io_uring_buf_ring_mask(buffer_count_), given_++);
}

void GeneratorRing::Connect(uint32_t client, int fd, const sockaddr_storage* address,
                            socklen_t size) {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_connect(entry, fd, reinterpret_cast<const sockaddr*>(address), size);
  entry->user_data = Tag(Op::kConnect, client);
}

void GeneratorRing::Receive(uint32_t client, int fd) {
  if (receive_fds_.size() <= client) receive_fds_.resize(client + 1, -1);
  receive_fds_[client] = fd;
  SubmitReceive(client);
}

void GeneratorRing::SubmitReceive(uint32_t client) {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_recv_multishot(entry, receive_fds_[client], nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = kBufferGroup;
  entry->user_data = Tag(Op::kReceive, client);
}

void GeneratorRing::Send(uint32_t client, int fd, Bytes bytes) {
  io_uring_sqe* entry = NextEntry();
  io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  entry->user_data = Tag(Op::kSend, client);
}

void GeneratorRing::SubmitAndWait(uint64_t wait_ns) {
  if (wait_ns == 0 || io_uring_cq_ready(&ring_) != 0) {
    io_uring_submit_and_get_events(&ring_);
  } else if (wait_ns == kWaitForever) {
    io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec timeout{static_cast<int64_t>(wait_ns / kNsPerSecond),
                              static_cast<long long>(wait_ns % kNsPerSecond)};
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
}

}  // namespace solec

#include "io/receive_buffers.h"

#include <sys/mman.h>

namespace solec {
namespace {

template <class T>
T* Map(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<T*>(memory);
}

}  // namespace

ReceiveBuffers::~ReceiveBuffers() {
  if (buffers_ != nullptr) munmap(buffers_, size_t{options_.count} * options_.bytes);
  if (ring_ != nullptr) munmap(ring_, options_.count * sizeof(io_uring_buf));
}

int ReceiveBuffers::Register(io_uring* ring, const Options& options) {
  options_ = options;
  ring_ = Map<io_uring_buf_ring>(options.count * sizeof(io_uring_buf));
  buffers_ = Map<uint8_t>(size_t{options.count} * options.bytes);
  if (ring_ == nullptr || buffers_ == nullptr) return -ENOMEM;
  const bool incremental = options.mode == ReceiveBufferMode::kIncremental;
  if (int result = RegisterBufferRing(ring, ring_, options.count, kGroup,
                                      incremental ? kBufferRingIncremental : uint16_t{0});
      result < 0) {
    return result;
  }
  io_uring_buf_ring_init(ring_);
  if (incremental)
    used_.resize(options.count);
  else
    place_.resize(options.count);
  for (uint32_t id = 0; id < options.count; ++id) Give(static_cast<uint16_t>(id));
  return 0;
}

void ReceiveBuffers::Give(uint16_t id) {
  if (!place_.empty()) place_[id] = tail_;
  ++tail_;
  io_uring_buf_ring_add(ring_, const_cast<uint8_t*>(Buffer(id)), options_.bytes, id,
                        io_uring_buf_ring_mask(options_.count), 0);
  io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace solec

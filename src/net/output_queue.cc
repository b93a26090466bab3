#include "net/output_queue.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "proto/frame.h"

namespace solec {

// Up to this size a shared frame is copied if there is room behind the last one: it saves a slice
// of the send and a reference.
static constexpr uint32_t kCopySharedBelow = 512;
// The largest chunk of small frames.
static constexpr size_t kChunkBytesMax = 64 * 1024;

void OutputQueue::Link(Chunk* chunk) {
  chunk->next = nullptr;
  if (tail_ != nullptr) tail_->next = chunk;
  else head_ = chunk;
  tail_ = chunk;
}

void OutputQueue::Free(BufferPool* pool, Chunk* chunk) {
  if (chunk->shared != nullptr) chunk->shared->Unref();
  pool->Give(reinterpret_cast<uint8_t*>(chunk), sizeof(Chunk) + chunk->capacity);
}

void OutputQueue::AddOwnedChunk(BufferPool* pool, size_t size, size_t more_hint) {
  // Grow with what is there already: a connection that gets a little keeps a little.
  const size_t wanted = std::max(more_hint, static_cast<size_t>(byte_count_));
  const size_t want = sizeof(Chunk) + std::max(size, std::min(wanted, kChunkBytesMax));
  const size_t whole = BufferPool::RoundUp(want);
  auto* chunk = reinterpret_cast<Chunk*>(pool->Take(whole));
  chunk->shared = nullptr;
  chunk->begin = chunk->end = chunk->in_flight = 0;
  chunk->capacity = static_cast<uint32_t>(whole - sizeof(Chunk));
  Link(chunk);
}

void OutputQueue::AppendShared(BufferPool* pool, SharedBytes* bytes, uint32_t offset,
                               uint32_t size) {
  if (size <= kCopySharedBelow && TailHasRoom(size)) {
    std::memcpy(Append(pool, size, 0), bytes->data() + offset, size);
    return;
  }
  byte_count_ += size;
  if (tail_ != nullptr && tail_->shared == bytes && tail_->end == offset) {
    tail_->end += size;
    return;
  }
  auto* chunk = reinterpret_cast<Chunk*>(pool->Take(sizeof(Chunk)));
  bytes->Ref();
  chunk->shared = bytes;
  chunk->begin = offset;
  chunk->end = offset + size;
  chunk->capacity = 0;
  chunk->in_flight = 0;
  Link(chunk);
}

// As many of the frames at the beginning as fit into `room`.
static Bytes WholeFrames(Bytes frames, size_t room) {
  size_t size = 0;
  while (size < frames.size()) {
    const size_t frame_size = FrameSizeAt(frames.subspan(size));
    if (frame_size > room - size) break;
    size += frame_size;
  }
  return frames.first(size);
}

size_t OutputQueue::BeginSend(Bytes* slices, size_t slices_max, size_t bytes_max) {
  SOLEC_ASSERT(in_flight_ == 0 && byte_count_ != 0);
  size_t count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < slices_max; chunk = chunk->next) {
    const size_t room = bytes_max - in_flight_;
    Bytes slice(chunk->data() + chunk->begin, chunk->end - chunk->begin);
    if (slice.size() > room) [[unlikely]] slice = WholeFrames(slice, room);
    if (slice.empty()) break;
    chunk->in_flight = static_cast<uint32_t>(slice.size());
    slices[count++] = slice;
    in_flight_ += slice.size();
    if (chunk->begin + chunk->in_flight != chunk->end) break;
  }
  return count;
}

void OutputQueue::Sent(BufferPool* pool, uint64_t size) {
  SOLEC_ASSERT(size <= in_flight_);
  const bool broke_off = size != in_flight_;
  if (!broke_off) cut_ = 0;
  in_flight_ = 0;
  byte_count_ -= size;
  sent_count_ += size;
  while (head_ != nullptr) {
    Chunk* chunk = head_;
    const auto taken =
        static_cast<uint32_t>(std::min<uint64_t>(size, chunk->end - chunk->begin));
    if (broke_off) [[unlikely]] CountCut(*chunk, taken);
    chunk->begin += taken;
    chunk->in_flight = 0;
    size -= taken;
    if (chunk->begin != chunk->end) break;
    cut_ = 0;
    head_ = chunk->next;
    if (head_ == nullptr) tail_ = nullptr;
    Free(pool, chunk);
  }
  // After a short send a later chunk may still be marked; only the head's mark was taken back.
  for (Chunk* chunk = head_; chunk != nullptr && chunk->in_flight != 0; chunk = chunk->next) {
    chunk->in_flight = 0;
  }
}

// Finds where in the chunk the frame begins that a send of `taken` bytes has cut.
void OutputQueue::CountCut(const Chunk& chunk, uint32_t taken) {
  const uint32_t sent_end = chunk.begin + taken;
  uint32_t frame_begin = chunk.begin - cut_;
  while (frame_begin < sent_end) {
    const size_t frame_size =
        FrameSizeAt(Bytes(chunk.data() + frame_begin, chunk.end - frame_begin));
    if (frame_size == 0 || frame_begin + frame_size > sent_end) break;
    frame_begin += static_cast<uint32_t>(frame_size);
  }
  cut_ = sent_end - frame_begin;
}

void OutputQueue::DropUnsent(BufferPool* pool) {
  Chunk** link = &head_;
  Chunk* last = nullptr;
  if (in_flight_ == 0) cut_ = 0;
  byte_count_ = in_flight_;
  while (*link != nullptr && (*link)->in_flight != 0) {
    Chunk* chunk = *link;
    chunk->end = chunk->begin + chunk->in_flight;  // frames appended behind the send are dropped
    last = chunk;
    link = &chunk->next;
  }
  Chunk* rest = *link;
  *link = nullptr;
  tail_ = last;
  while (rest != nullptr) {
    Chunk* next = rest->next;
    Free(pool, rest);
    rest = next;
  }
}

void OutputQueue::Clear(BufferPool* pool) {
  in_flight_ = 0;
  for (Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) chunk->in_flight = 0;
  DropUnsent(pool);
}

}  // namespace solec

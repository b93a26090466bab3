// What waits to be sent on one connection: a list of chunks, each either bytes of its own, to which
// small frames are copied one after another, or a reference to bytes that many connections share.
// An idle connection's queue holds no memory. Owned by one shard's thread.
//
// Invariants: a frame never straddles two chunks; the bytes that a send in flight refers to stay
// where they are until Sent() or Clear(); a send that ended well covered whole frames. One that
// broke off may have cut a frame: that frame counts as unsent as a whole.
#pragma once

#include <cstdint>

#include "base/buffer_pool.h"
#include "base/bytes.h"
#include "net/shared_bytes.h"

namespace solec {

class OutputQueue {
 public:
  OutputQueue() = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  bool empty() const { return byte_count_ == 0; }
  // Bytes that wait or are in flight, shared ones included.
  uint64_t byte_count() const { return byte_count_; }
  // Bytes that have been sent since the connection began; with byte_count(), where the next byte
  // that is appended will stand.
  uint64_t sent_count() const { return sent_count_; }
  bool send_in_flight() const { return in_flight_ != 0; }
  uint64_t in_flight() const { return in_flight_; }

  // Room for one whole frame of `size` bytes, to be filled at once. `more_hint`: about how many
  // bytes will follow in this turn, so that they find room in the same chunk.
  uint8_t* Append(BufferPool* pool, size_t size, size_t more_hint) {
    if (!TailHasRoom(size)) [[unlikely]] {
      AddOwnedChunk(pool, size, more_hint);
    }
    uint8_t* at = tail_->bytes() + tail_->end;
    tail_->end += static_cast<uint32_t>(size);
    byte_count_ += size;
    return at;
  }

  // Refers to whole frames at bytes->data() + offset. Takes a reference.
  void AppendShared(BufferPool* pool, SharedBytes* bytes, uint32_t offset, uint32_t size);

  // Fills `slices` with what is to be sent next, up to `slices_max` chunks, and remembers it as in
  // flight. Only if nothing is in flight and the queue is not empty. Returns how many slices.
  // `bytes_max`: of whole frames, at least kFrameBytesMax.
  size_t BeginSend(Bytes* slices, size_t slices_max, size_t bytes_max = SIZE_MAX);

  // The send is over, `size` bytes went out: their memory is given back.
  void Sent(BufferPool* pool, uint64_t size);

  // Calls visit(Bytes whole_frames) for each chunk that has not been sent completely, oldest first.
  // A frame of which only a part was sent is among them.
  template <class Visit>
  void ForEachUnsent(Visit&& visit) const {
    uint32_t cut = cut_;
    for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
      visit(Bytes(chunk->data() + chunk->begin - cut, chunk->end - chunk->begin + cut));
      cut = 0;
    }
  }

  // Forgets what is not in flight, so that a last frame can follow at once.
  void DropUnsent(BufferPool* pool);

  // Forgets everything. Nothing may be in flight any more.
  void Clear(BufferPool* pool);

 private:
  struct Chunk {
    Chunk* next;
    SharedBytes* shared;  // nullptr: the bytes follow this header
    uint32_t begin;       // sent so far (for shared: offset of the first byte to send)
    uint32_t end;
    uint32_t capacity;    // of `bytes`; 0 for shared, so that nothing is appended to it
    uint32_t in_flight;   // bytes of this chunk that the send under way covers

    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
    const uint8_t* data() const {
      return shared != nullptr ? shared->data() : reinterpret_cast<const uint8_t*>(this + 1);
    }
  };

  bool TailHasRoom(size_t size) const {
    return tail_ != nullptr && tail_->end + size <= tail_->capacity;
  }
  void AddOwnedChunk(BufferPool* pool, size_t size, size_t more_hint);
  void Link(Chunk* chunk);
  void CountCut(const Chunk& chunk, uint32_t taken);
  void Free(BufferPool* pool, Chunk* chunk);

  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  uint64_t byte_count_ = 0;
  uint64_t in_flight_ = 0;
  uint64_t sent_count_ = 0;
  uint32_t cut_ = 0;  // bytes before head_->begin of the frame that a broken send cut
};

}  // namespace solec

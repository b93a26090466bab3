// Objects of one kind, at stable addresses, named by a handle: an index, and a generation that
// tells a reused slot from the object that was there before. Owned by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace solec {

// `Tag` keeps handles of different pools apart. The default handle names nothing.
template <class Tag>
struct Handle {
  uint32_t index = UINT32_MAX;
  uint32_t generation = 0;
  bool valid() const { return index != UINT32_MAX; }
  // As one number, for whoever carries it without knowing what it names.
  uint64_t Pack() const { return uint64_t{generation} << 32 | index; }
  static Handle Unpack(uint64_t packed) {
    return {static_cast<uint32_t>(packed), static_cast<uint32_t>(packed >> 32)};
  }
  friend bool operator==(Handle, Handle) = default;
};

template <class T>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (uint32_t index = 0; index < slot_count_; ++index) {
      if (SlotAt(index).used) ObjectAt(index)->~T();
    }
  }

  template <class... Args>
  Handle<T> Create(Args&&... args) {
    if (free_.empty()) AddChunk();
    const uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = SlotAt(index);
    new (slot.bytes) T(std::forward<Args>(args)...);
    slot.used = true;
    ++used_count_;
    return {index, slot.generation};
  }

  // The object, or nullptr if it is gone.
  T* Get(Handle<T> handle) {
    if (handle.index >= slot_count_) return nullptr;
    Slot& slot = SlotAt(handle.index);
    if (!slot.used || slot.generation != handle.generation) return nullptr;
    return ObjectAt(handle.index);
  }

  void Destroy(Handle<T> handle) {
    T* object = Get(handle);
    SOLEC_ASSERT(object != nullptr);
    object->~T();
    Slot& slot = SlotAt(handle.index);
    slot.used = false;
    ++slot.generation;
    --used_count_;
    free_.push_back(handle.index);
  }

  // The handle of the object at an index; one that names nothing if there is none.
  Handle<T> HandleAt(uint32_t index) {
    if (index >= slot_count_ || !SlotAt(index).used) return {};
    return {index, SlotAt(index).generation};
  }

  uint32_t used_count() const { return used_count_; }

  // Calls visit(handle, object) for every object, in order of index. The visitor may destroy the
  // object that it is shown.
  template <class Visit>
  void ForEach(Visit&& visit) {
    for (uint32_t index = 0; index < slot_count_; ++index) {
      Slot& slot = SlotAt(index);
      if (slot.used) visit(Handle<T>{index, slot.generation}, *ObjectAt(index));
    }
  }

 private:
  static constexpr uint32_t kChunkBits = 7;
  static constexpr uint32_t kChunkSize = 1u << kChunkBits;

  struct Slot {
    alignas(T) unsigned char bytes[sizeof(T)];
    uint32_t generation = 0;
    bool used = false;
  };

  Slot& SlotAt(uint32_t index) { return chunks_[index >> kChunkBits][index & (kChunkSize - 1)]; }
  T* ObjectAt(uint32_t index) { return std::launder(reinterpret_cast<T*>(SlotAt(index).bytes)); }

  void AddChunk() {
    SOLEC_ASSERT(slot_count_ < UINT32_MAX - kChunkSize);
    chunks_.push_back(std::make_unique<Slot[]>(kChunkSize));
    for (uint32_t i = kChunkSize; i > 0; --i) free_.push_back(slot_count_ + i - 1);
    slot_count_ += kChunkSize;
  }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::vector<uint32_t> free_;  // the slot freed last is used next: it is still in the cache
  uint32_t slot_count_ = 0;
  uint32_t used_count_ = 0;
};

}  // namespace solec

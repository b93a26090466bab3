// Anything but messages that a shard asks of the disk store. It is made by the shard's port, passed
// by pointer from thread to thread and, when it has completed, back to the port, which runs `done`
// on the shard's thread and frees it. Whoever holds the pointer is the only one to touch it.
#pragma once

#include <atomic>
#include <string>

#include "store/store.h"

namespace solec {

enum class StoreRequestKind : uint8_t {
  // Writes, carried out by the writer.
  kAddUser,
  kSetPassword,
  kRemoveUser,
  kPutContact,
  kRemoveContact,
  kPutJoined,
  kRemoveJoined,
  kAddChannel,
  kRemoveChannel,
  kPutMember,
  kRemoveMember,
  kSetOutStream,
  kSetInStream,
  kTrimSpool,
  kLoadPeer,    // answered by the writer, which knows what it has committed
  kForgetPeer,
  kSetDelivered,
  // Record reads: they pass the writer, so that they see what was written before them.
  kLoadUser,
  kListUsers,
  kLoadChannel,
  kListChannels,
  // Message reads.
  kReadWaiting,
  kReadHistory,
  kReadSpool,
};

struct StoreRequest {
  StoreRequestKind kind;
  uint32_t shard = 0;   // whose port waits for it
  std::string name;     // the user, channel or peer; a list: the name after which it begins
  std::string text;     // hash, address or channel
  bool agreed = false;  // kPutContact
  InboxMark mark;       // kSetDelivered
  uint64_t after = 0;   // kReadWaiting, kReadSpool; kTrimSpool: up to here
  uint64_t limit = 0;   // names of a list, bytes of kReadWaiting and kReadSpool
  uint64_t stream = 0, base = 0;  // kSetOutStream, kSetInStream
  HistoryQuery query;   // kReadHistory
  StoreDone done;
  StoreCompletion completion;
  StoreRequest* next = nullptr;  // in a RequestList

  // Goes into the writer's order; the other kinds are for the reader.
  bool is_write() const { return kind <= StoreRequestKind::kSetDelivered; }
  // Somebody waits for it: these only save doing something twice.
  bool is_urgent() const {
    return kind != StoreRequestKind::kSetDelivered && kind != StoreRequestKind::kTrimSpool &&
           kind != StoreRequestKind::kForgetPeer;
  }
};

// Requests on their way to one thread that takes them all at once; any thread may add to it. It is
// bounded by what its ports let be under way.
class RequestList {
 public:
  RequestList() = default;
  RequestList(const RequestList&) = delete;
  RequestList& operator=(const RequestList&) = delete;
  ~RequestList() {
    for (StoreRequest* request = TakeAll(); request != nullptr;) {
      StoreRequest* const next = request->next;
      delete request;
      request = next;
    }
  }

  // True if the list was empty: whoever takes may be asleep.
  bool Add(StoreRequest* request) {
    StoreRequest* head = newest_.load(std::memory_order_relaxed);
    do {
      request->next = head;
    } while (!newest_.compare_exchange_weak(head, request, std::memory_order_acq_rel,
                                            std::memory_order_relaxed));
    return head == nullptr;
  }

  // All of them as a chain, the one that was added first at its front; nullptr if there are none.
  StoreRequest* TakeAll() {
    StoreRequest* request = newest_.exchange(nullptr, std::memory_order_acq_rel);
    StoreRequest* chain = nullptr;
    while (request != nullptr) {
      StoreRequest* const older = request->next;
      request->next = chain;
      chain = request;
      request = older;
    }
    return chain;
  }

  bool empty() const { return newest_.load(std::memory_order_acquire) == nullptr; }

 private:
  std::atomic<StoreRequest*> newest_{nullptr};
};

}  // namespace solec

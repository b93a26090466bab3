// What lies between one shard and the disk store's threads. Owned by DiskStore; each ring has the
// shard on one side and the writer on the other.
//
// To the writer go records: a RecordHead, and behind it the user (channel, foreign target), the
// sender, what they have to do with peers (record_links.h), and the frames. From it come
// LaneCompletions, one for each record, in order, and between them the growth of spools that the
// shard watches. Requests (StoreRequest) travel as pointers in either; whoever holds the pointer
// owns the request.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/spsc_ring.h"
#include "store/store.h"
#include "store/store_request.h"

namespace solec {

struct RecordHead {
  enum class Kind : uint8_t {
    kDirect,
    kChannel,
    kOutgoing,
    kReceived,
    kRequest,  // `request`; nothing follows
    kLarge,    // `large`: a record that is too large for the ring; nothing follows
  };
  Kind kind = Kind::kRequest;
  bool waiting_only = false;
  uint16_t owner_size = 0;  // the user, channel or foreign target
  uint16_t sender_size = 0;
  // kDirect and kOutgoing: a peer's name, or nothing. The others: RecordLinks.
  uint32_t links_size = 0;
  KeepTicket ticket{};
  InboxMark delivered{};
  uint64_t bytes = 0;
  StoreRequest* request = nullptr;
  std::string* large = nullptr;
};

struct LaneCompletion {
  StoreRequest* request = nullptr;  // null: a ticket, or growth
  // Not 0: no completion but a spool's growth, to last_position; ticket.number and ticket.count say
  // which messages' frames follow the peer's name.
  uint16_t peer_size = 0;
  KeepTicket ticket{};
  StoreStatus status = StoreStatus::kDone;
  uint64_t last_position = 0;
};

struct DiskLane {
  // A ring's memory is used only as far as it fills. Half of it is what a shard hands over in one
  // turn without asking again.
  static constexpr size_t kWriterRingBytes = 4 << 20;
  static constexpr size_t kShardRingBytes = 1 << 20;
  // Of records that are too large for the ring, at which a shard has no room for more.
  static constexpr uint64_t kLargeBytesMax = 2 << 20;

  SpscRing to_writer{kWriterRingBytes};
  SpscRing from_writer{kShardRingBytes};
  RequestList read_done;                 // from the reader
  std::atomic<bool> starved{false};      // the shard waits for room in to_writer
  std::atomic<bool> blocked{false};      // the writer waits for room in from_writer
  std::atomic<uint64_t> large_bytes{0};  // of records that are too large for the ring
  std::atomic<uint64_t> queue_bytes{0};  // for the figures
};

}  // namespace solec

// What a user's home shard knows of the messages that are kept for that user: how many are on their
// way into the store, how far they have arrived at the user, and the newest ones themselves while a
// session catches up. Pure; owned by one shard's thread.
//
// Messages are counted by ordinals while the user is resident: the store gives them positions, in
// the same order, once they are committed. Between, an acknowledgement can name an ordinal only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/bytes.h"
#include "base/inbox_mark.h"

namespace solec {

// Something that a session has in its output, or had: when the peer has acknowledged its output up
// to `target`, all messages up to `ordinal` have arrived.
struct DeliveryMark {
  uint64_t target = 0;   // messages or bytes of output, as the session counts; 0: there is no mark
  uint64_t ordinal = 0;  // 0: `mark` says it all
  InboxMark mark;        // its position is 0 until the store has given one
};

class Inbox {
 public:
  // Frames of the newest messages that are held for sessions that catch up; beyond it those read
  // from the store again.
  static constexpr size_t kTailBytesMax = 256 * 1024;
  static constexpr uint64_t kNotKept = UINT64_MAX;

  struct TailRun {
    uint64_t ordinal;       // of its last message
    uint64_t position = 0;  // 0: not known yet; kNotKept: it has none
    uint32_t count;
    std::string frames;
  };

  // As the store has it.
  Inbox(InboxMark delivered, InboxMark last)
      : delivered_(delivered), saved_(delivered), kept_(last), bytes_(last.bytes) {}

  // --- into the store ---

  // `count` messages of `size` bytes are handed to the store. Returns the ordinal of the last.
  uint64_t Submit(uint32_t count, uint64_t size) {
    bytes_ += size;
    return submitted_ += count;
  }
  // What became of them; in the order of Submit, with as many or more at a time.
  void OnKept(uint64_t ordinal, uint32_t count, bool kept, uint64_t last_position);
  uint64_t submitted() const { return submitted_; }
  uint64_t completed() const { return completed_; }
  bool settled() const { return submitted_ == completed_; }
  uint64_t bytes() const { return bytes_; }  // InboxMark::bytes of the newest
  uint64_t waiting_bytes() const { return bytes_ - delivered_.bytes; }

  // --- to the user ---

  // Messages wait, or may: not all have been acknowledged.
  bool HasWaiting() const { return kept_.position > delivered_.position || !settled(); }
  // A mark at everything so far.
  DeliveryMark MarkNow(uint64_t target) const {
    return {target, submitted_, {settled() ? kept_.position : 0, bytes_}};
  }
  // OnKept, for a mark that waits for its position.
  static void FillPosition(DeliveryMark* mark, uint64_t ordinal, uint32_t count,
                           uint64_t last_position);
  void Acknowledge(const DeliveryMark& mark);
  InboxMark delivered() const { return delivered_; }

  // --- what the store knows of that ---

  // `delivered` goes into the store with a write.
  InboxMark TakeDelivered() { return saved_ = delivered_; }
  // That write failed: the mark goes again with the next.
  void NotSaved() { saved_ = {}; }
  uint64_t unsaved_bytes() const { return delivered_.bytes - saved_.bytes; }
  bool saved() const { return saved_.position >= delivered_.position; }

  // --- for sessions that catch up ---

  // Keeps a run's frames, just submitted. False if they are too many: nothing is held any more.
  bool PushTail(uint32_t count, Bytes first, Bytes second);
  const std::deque<TailRun>& tail() const { return tail_; }
  void DropTail();

  uint32_t catching_up = 0;  // sessions

 private:
  InboxMark delivered_;      // all up to here have arrived
  InboxMark saved_;          // and this is what the store was told
  InboxMark kept_;           // the newest that is committed
  uint64_t bytes_;
  uint64_t submitted_ = 0;   // ordinals
  uint64_t completed_ = 0;
  DeliveryMark acknowledged_;  // has arrived, but has no position yet
  std::deque<TailRun> tail_;
  size_t tail_bytes_ = 0;
};

}  // namespace solec

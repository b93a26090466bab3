// The numbers of a peer's Messages for us: which are taken, which are held, and what Accepted may
// say. Several shards settle them in any order. It outlives a connection: what was taken from the
// last one may be settled after its end. Pure; owned by the shard of the peer.
#pragma once

#include <cstdint>

#include "absl/container/btree_map.h"

namespace solec {

class IncomingStream {
 public:
  // Messages under way at once; beyond it the link is not read.
  static constexpr uint64_t kUnsettledMax = 16'384;

  // Nothing is known but that all up to `held` are held. Only while quiet.
  void Begin(uint64_t held);
  // These are held too, beyond a gap.
  void AddHeld(uint64_t first, uint64_t last);
  // The peer begins again after what is held. Only while quiet.
  void Restart();

  // The number of the peer's next Message.
  uint64_t next() const { return taken_ + 1; }
  // It is held already: when it comes it is to be skipped.
  bool NextIsHeld() const;
  // It has come: false if it is held already, and is to be skipped.
  bool Take();
  bool full() const { return unsettled_ >= kUnsettledMax; }

  // What became of `count` that were taken, from `number` on. Not held: the store could not keep
  // them, and the peer has to send them again.
  void Settle(uint64_t number, uint64_t count, bool held);

  // Nothing that was taken is still under way.
  bool quiet() const { return unsettled_ == 0; }
  uint64_t unsettled() const { return unsettled_; }
  // All up to here are held: what Accepted says.
  uint64_t held() const { return held_; }

 private:
  uint64_t held_ = 0;
  uint64_t taken_ = 0;
  uint64_t unsettled_ = 0;
  absl::btree_map<uint64_t, uint64_t> early_;  // held beyond held_: first -> last, none touching
};

}  // namespace solec

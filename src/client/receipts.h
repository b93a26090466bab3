// What has become of the messages of one session, in both directions: the numbers behind Accepted
// and Rejected. Pure bookkeeping over counters; one owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "proto/constants.h"

namespace solec {

// Messages this side sent and the answers that came for them.
class SentReceipts {
 public:
  // Messages that may be without an answer at one time; a sender waits when it has so many.
  static constexpr uint64_t kUnansweredMax = 65'536;
  // Refusals of answered messages that are remembered, the newest ones; each was also seen as an
  // event when it came.
  static constexpr size_t kRejectedMax = 65'536;

  // Counts one message that is being sent; returns its number. The first is 1.
  uint64_t Count() { return ++sent_; }

  // The other side's answers. False: it answers for a message that was never sent, which is its
  // fault; nothing is changed.
  [[nodiscard]] bool OnAccepted(uint64_t up_to);
  [[nodiscard]] bool OnRejected(uint64_t number, ErrorCode code);

  uint64_t sent() const { return sent_; }

  // All messages up to this number have an answer.
  uint64_t answered() const { return answered_; }

  bool full() const { return sent_ - answered_ >= kUnansweredMax; }

  // Why message `number` was refused; kNone if it was accepted, or has no answer yet.
  ErrorCode CodeOf(uint64_t number) const;

 private:
  // Refused messages right after the last answered one are answered too: no Accepted has to follow.
  void Advance();

  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  std::map<uint64_t, ErrorCode> rejected_;
};

// Messages this side received, and which of them it still has to answer for. A message is answered
// for once the program has handled it, not when it arrived: what a program that dies never saw is
// then delivered again.
class ReceivedReceipts {
 public:
  // The program has taken one more message, in the order in which they came.
  void OnHandled(int64_t now_ms);

  // The number for an Accepted that is to be sent now: when a message has waited for
  // kReceiptDelayMaxMs, or at once if `idle` says that there is nothing to gather any more.
  std::optional<uint64_t> TakeDue(int64_t now_ms, bool idle);

  uint64_t handled() const { return handled_; }

 private:
  uint64_t handled_ = 0;
  uint64_t answered_ = 0;
  int64_t waiting_since_ms_ = 0;  // of the oldest handled message without an answer
};

}  // namespace solec

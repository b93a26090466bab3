// Messages on their way: what the senders send, what the receivers check, and how long it took.
// One thread. The hot code of the generator: a message costs two stamps when it leaves, two
// compares and two loads when it comes back.
//
// Closed loop: each sender keeps up to `window` messages under way; a message is done when every
// receiver has it and, where its receipts count, the server has accepted it. Open loop: messages
// are due by a schedule, whatever is under way; latency counts from then. Bounded: kDueMax messages
// of an open loop wait to be sent; over it the run is over.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "bench/client_pool.h"
#include "bench/message_frames.h"
#include "bench/open_loop.h"
#include "bench/receipt_times.h"
#include "bench/sequence_check.h"

namespace solec {

enum class SendForm : uint8_t {
  kBatched,  // whatever the window allows leaves in one send
  kSingle,   // each message in a send of its own
};

struct TrafficOptions {
  size_t content_bytes = 64;
  uint32_t window = 64;
  SendForm form = SendForm::kBatched;
  double rate = 0;                      // messages per second of all senders; 0: closed loop
  uint64_t messages_each = UINT64_MAX;  // no sender sends more
  uint64_t seed = 1;
};

// One sender and those who receive what it sends.
struct TrafficRoute {
  uint32_t sender;  // clients
  std::vector<uint32_t> receivers;
  std::string source;  // as written into the message; empty: the server knows
  std::string target;
  std::string delivered_source;  // the names that the delivered addresses begin with
  std::string delivered_target;
};

struct TrafficTotals {
  uint64_t sent = 0;
  uint64_t delivered = 0;   // all that came
  uint64_t unaccepted = 0;  // receipts agreed, and none came, or it was refused
  uint64_t lost = 0;        // deliveries of messages that were not refused
  uint64_t doubled = 0;
  uint64_t reordered = 0;
  uint64_t damaged = 0;                // not the bytes that were sent
  uint64_t earlier = 0;                // they had waited in the server since an earlier run
  uint64_t not_sent = 0;               // due in the open loop, and never sent
  std::array<uint64_t, 256> errors{};  // Error and Rejected frames, by code
};

class Traffic final : public ClientSink {
 public:
  static constexpr size_t kDueMax = 4'000'000;

  Traffic(ClientPool* pool, const TrafficOptions& options);

  void AddRoute(const TrafficRoute& route);
  // The receipts of that sender's messages count.
  void ExpectReceipts(uint32_t sender) { senders_[sender].receipts = true; }
  // That receiver, a client that sends nothing else, has agreed on receipts: it says what it got,
  // once a turn at most.
  void SendReceipts(uint32_t client) { receivers_[receiver_of_[client]].answers = true; }

  void Start(uint64_t now_ns);
  // Instead, and before: each sender sends one message, whatever the rate. So it is seen whether
  // the way to all receivers is open.
  void StartWithOneEach();
  // No sender sends more, in all: another phase of the run.
  void SetMessagesEach(uint64_t count);
  // Whether a closed loop waits for deliveries, or for receipts alone: while receivers are cut off.
  void SetWaitsForDeliveries(bool waits) { waits_for_deliveries_ = waits; }
  // No more messages; those under way go on.
  void Stop();
  // Latencies are those of messages sent (or due) from `from_ns` to `to_ns`.
  void Measure(uint64_t from_ns, uint64_t to_ns) {
    measure_from_ns_ = from_ns;
    measure_to_ns_ = to_ns;
  }

  // Sends all that may be sent. Once a turn, after it.
  void Flush(uint64_t now_ns);
  // The open loop's next message; UINT64_MAX in a closed loop.
  uint64_t next_due_ns() const { return schedule_ ? schedule_->due_ns() : UINT64_MAX; }

  uint64_t delivered() const { return delivered_; }
  uint64_t accepted() const { return accepted_ - rejected_; }
  bool overrun() const { return due_count_ >= kDueMax; }
  // Nothing is under way.
  bool AllDone() const;
  // Of the senders whose receipts count, the server has accepted all that they sent.
  bool AllAccepted() const;
  // Each sender has sent all of its `messages_each`.
  bool AllSent() const;
  const Histogram& latency() const { return latency_; }
  // Until the server accepted it, of messages whose receipts count.
  const Histogram& receipt_latency() const { return receipt_latency_; }
  // The open loop: how much later than due a message was handed to the kernel.
  const Histogram& lateness() const { return lateness_; }
  // Counted when all is over.
  TrafficTotals Totals() const;

  // --- pausing a sender, so that a connection can be closed in between ---
  void SetPaused(uint32_t sender, bool paused);
  bool IsQuiet(uint32_t sender) const {
    const Sender& it = senders_[sender];
    return !it.sending && it.deliveries == it.sent * it.receiver_count &&
           it.receipt_times.accepted() == (it.receipts ? it.sent : 0);
  }
  // That receiver has nothing to say and says nothing.
  bool HasAnswered(uint32_t client) const { return HasAnswered(receivers_[receiver_of_[client]]); }
  // A session begins: its receipts are numbered from 1 again.
  void BeginSession(uint32_t sender) { senders_[sender].accepted_before = senders_[sender].sent; }
  std::function<void(uint32_t client)> on_open, on_closed;

  // --- ClientSink ---
  size_t OnBytes(uint32_t client, Bytes stream) override;
  void OnSent(uint32_t client) override;
  void OnOpen(uint32_t client) override;
  void OnClosed(uint32_t client) override {
    if (on_closed) on_closed(client);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Sender {
    uint32_t client;
    OutgoingFrames frames;
    DeliveredFrames delivered;
    uint64_t sent = 0;
    uint64_t done = 0;        // all receivers have messages up to this one (closed loop)
    uint64_t deliveries = 0;  // numbers that the receivers went forward by, together
    ReceiptTimes receipt_times;
    uint64_t accepted_before = 0;  // the session's first message comes after this one
    uint64_t rejected = 0;
    uint32_t receiver_count = 0;
    bool receipts = false;
    bool sending = false;
    bool listed = false;  // on the list of those that may send
    bool paused = false;
    std::vector<uint32_t> receivers_left;  // closed loop, fan-out: of each message under way
    std::deque<uint64_t> due;              // open loop: when each message to be sent was due
  };

  struct Receiver {
    uint32_t sender;
    uint32_t client;
    SequenceCheck check;
    bool answers = false;  // with receipts
    bool answering = false;
    bool listed = false;    // on the list of those that have something to answer
    uint64_t answered = 0;  // messages of the session
    std::array<uint8_t, kFrameHeaderSize + sizeof(uint64_t)> words{};
  };

  bool HasAnswered(const Receiver& it) const {
    return !it.answers || (!it.answering && it.answered == pool_->messages_received(it.client));
  }
  size_t Allowance(const Sender& sender) const;
  void MarkAll();
  void MarkReady(uint32_t sender);
  void TakeDue(uint64_t now_ns);
  void SendSome(Sender* sender, uint64_t now_ns);
  void MarkUnanswered(uint32_t receiver);
  void Answer(Receiver* receiver);
  size_t TakeMessages(Receiver* receiver, Bytes stream);
  void TakeOther(uint32_t client, const Frame& frame);
  void TakeUnknown(uint32_t receiver, Bytes frame);
  void OnDelivered(uint32_t sender_index, uint64_t from, uint64_t to);
  void OnAccepted(uint32_t sender_index, uint64_t up_to);
  void RecordLatency(uint64_t time_stamp, uint64_t times);
  void RecordTime(Histogram* histogram, uint64_t sent_ns, uint64_t times);

  ClientPool* const pool_;
  const TrafficOptions options_;
  const std::string content_;
  const uint64_t seconds_;  // the timestamp of all messages
  const size_t due_slots_;
  std::vector<Sender> senders_;
  std::vector<Receiver> receivers_;
  std::vector<uint32_t> sender_of_;    // by client
  std::vector<uint32_t> receiver_of_;  // by client
  std::vector<uint32_t> ready_;
  std::vector<uint32_t> unanswered_;  // receivers
  std::unique_ptr<OpenLoopSchedule> schedule_;
  uint64_t due_total_ = 0;
  uint64_t due_count_ = 0;  // waiting in all the queues
  uint64_t not_sent_ = 0;
  bool stopped_ = true;
  uint64_t messages_each_;
  bool waits_for_deliveries_ = true;
  uint64_t received_ns_ = 0;  // of this turn; 0: not asked yet
  uint64_t measure_from_ns_ = UINT64_MAX;
  uint64_t measure_to_ns_ = UINT64_MAX;
  uint64_t delivered_ = 0;
  uint64_t accepted_ = 0;  // with those that were rejected
  uint64_t rejected_ = 0;
  uint64_t damaged_ = 0;
  uint64_t earlier_ = 0;
  std::array<uint64_t, 256> errors_{};
  Histogram latency_;
  Histogram receipt_latency_;
  Histogram lateness_;
};

}  // namespace solec

#include "bench/traffic.h"

#include <algorithm>
#include <bit>
#include <ctime>

#include "bench/steady_clock.h"
#include "proto/codec.h"

namespace solec {

// One send of an open loop carries at most this much.
static constexpr size_t kDueSlots = 256;

Traffic::Traffic(ClientPool* pool, const TrafficOptions& options)
    : pool_(pool),
      options_(options),
      content_(MakeContent(std::max(options.content_bytes, kStampedBytes), options.seed)),
      seconds_(static_cast<uint64_t>(std::time(nullptr))),
      due_slots_(std::clamp<size_t>((256 << 10) / content_.size(), 1, kDueSlots)),
      sender_of_(pool->size(), kNone),
      receiver_of_(pool->size(), kNone),
      messages_each_(options.messages_each) {}

void Traffic::AddRoute(const TrafficRoute& route) {
  const auto index = static_cast<uint32_t>(senders_.size());
  Sender& sender = senders_.emplace_back();
  sender.client = route.sender;
  const bool one = options_.rate == 0 && options_.form == SendForm::kSingle;
  const size_t slots = options_.rate > 0 ? due_slots_ : one ? 1 : options_.window;
  sender.frames.Build(route.source, route.target, seconds_, content_, slots);
  sender.delivered.Expect(route.delivered_source, route.delivered_target, seconds_, content_);
  sender.receiver_count = static_cast<uint32_t>(route.receivers.size());
  if (sender.receiver_count > 1 && options_.rate == 0) {
    sender.receivers_left.assign(std::bit_ceil(options_.window), 0);
  }
  sender_of_[route.sender] = index;
  for (uint32_t client : route.receivers) {
    receiver_of_[client] = static_cast<uint32_t>(receivers_.size());
    Receiver& receiver = receivers_.emplace_back();
    receiver.sender = index;
    receiver.client = client;
  }
}

void Traffic::Start(uint64_t now_ns) {
  if (options_.rate > 0) {
    schedule_ = std::make_unique<OpenLoopSchedule>(options_.rate, now_ns, options_.seed);
  }
  messages_each_ = options_.messages_each;
  MarkAll();
}

void Traffic::StartWithOneEach() {
  messages_each_ = 1;
  MarkAll();
}

void Traffic::SetMessagesEach(uint64_t count) {
  messages_each_ = count;
  MarkAll();
}

void Traffic::MarkAll() {
  stopped_ = false;
  for (uint32_t i = 0; i < senders_.size(); ++i) MarkReady(i);
  for (uint32_t i = 0; i < receivers_.size(); ++i) MarkUnanswered(i);
}

void Traffic::Stop() {
  stopped_ = true;
  schedule_.reset();
  not_sent_ += std::exchange(due_count_, 0);
  for (Sender& sender : senders_) sender.due.clear();
}

bool Traffic::AllDone() const {
  for (uint32_t i = 0; i < senders_.size(); ++i) {
    if (!IsQuiet(i)) return false;
  }
  return std::ranges::all_of(receivers_,
                             [this](const Receiver& receiver) { return HasAnswered(receiver); });
}

bool Traffic::AllSent() const {
  return std::ranges::all_of(
      senders_, [this](const Sender& sender) { return sender.sent >= messages_each_; });
}

bool Traffic::AllAccepted() const {
  return std::ranges::all_of(senders_, [](const Sender& sender) {
    return !sender.receipts || sender.receipt_times.accepted() == sender.sent;
  });
}

void Traffic::SetPaused(uint32_t index, bool paused) {
  senders_[index].paused = paused;
  if (!paused) MarkReady(index);
}

// --- sending ---

void Traffic::MarkReady(uint32_t index) {
  Sender& sender = senders_[index];
  if (sender.listed || sender.sending || Allowance(sender) == 0) return;
  sender.listed = true;
  ready_.push_back(index);
}

size_t Traffic::Allowance(const Sender& sender) const {
  if (stopped_ || sender.paused) return 0;
  if (schedule_) return std::min(sender.due.size(), sender.frames.slots());
  uint64_t done = waits_for_deliveries_ ? sender.done : sender.sent;
  if (sender.receipts) done = std::min(done, sender.receipt_times.accepted());
  const uint64_t room = options_.window - std::min<uint64_t>(options_.window, sender.sent - done);
  const uint64_t left = messages_each_ - std::min(messages_each_, sender.sent);
  return std::min<size_t>(std::min(room, left), sender.frames.slots());
}

void Traffic::TakeDue(uint64_t now_ns) {
  while (schedule_->due_ns() <= now_ns && due_count_ < kDueMax) {
    const auto index = static_cast<uint32_t>(due_total_++ % senders_.size());
    senders_[index].due.push_back(schedule_->due_ns());
    ++due_count_;
    MarkReady(index);
    schedule_->Step();
  }
}

void Traffic::Flush(uint64_t now_ns) {
  received_ns_ = 0;
  if (schedule_) TakeDue(now_ns);
  for (uint32_t index : ready_) {
    senders_[index].listed = false;
    SendSome(&senders_[index], now_ns);
  }
  ready_.clear();
  for (uint32_t index : unanswered_) Answer(&receivers_[index]);
  unanswered_.clear();
}

void Traffic::SendSome(Sender* sender, uint64_t now_ns) {
  const size_t allowed = Allowance(*sender);
  const size_t count = options_.form == SendForm::kSingle ? std::min<size_t>(allowed, 1) : allowed;
  if (count == 0) return;
  for (size_t i = 0; i < count; ++i) {
    uint64_t time_ns = now_ns;
    if (schedule_) {
      time_ns = sender->due.front();
      sender->due.pop_front();
      --due_count_;
      if (time_ns >= measure_from_ns_) lateness_.Record(now_ns - time_ns);
    }
    sender->frames.Stamp(i, ++sender->sent, time_ns);
    if (sender->receipts) sender->receipt_times.Sent(sender->sent, time_ns);
    if (!sender->receivers_left.empty()) {
      sender->receivers_left[sender->sent & (sender->receivers_left.size() - 1)] =
          sender->receiver_count;
    }
  }
  sender->sending = true;
  pool_->Send(sender->client, sender->frames.First(count));
}

void Traffic::OnSent(uint32_t client) {
  if (const uint32_t receiver = receiver_of_[client]; receiver != kNone) {
    receivers_[receiver].answering = false;
    MarkUnanswered(receiver);
  }
  const uint32_t index = sender_of_[client];
  if (index == kNone) return;
  senders_[index].sending = false;
  MarkReady(index);
}

// --- receipts of the receivers ---

void Traffic::OnOpen(uint32_t client) {
  if (const uint32_t index = receiver_of_[client]; index != kNone) {
    receivers_[index].answered = 0;
    MarkUnanswered(index);
  }
  if (on_open) on_open(client);
}

void Traffic::MarkUnanswered(uint32_t index) {
  Receiver& receiver = receivers_[index];
  if (receiver.listed || receiver.answering || HasAnswered(receiver)) return;
  receiver.listed = true;
  unanswered_.push_back(index);
}

void Traffic::Answer(Receiver* receiver) {
  receiver->listed = false;
  if (!pool_->is_open(receiver->client)) return;
  receiver->answered = pool_->messages_received(receiver->client);
  receiver->answering = true;
  Encode(Accepted{receiver->answered}, receiver->words.data());
  pool_->Send(receiver->client, receiver->words);
}

// --- receiving ---

size_t Traffic::OnBytes(uint32_t client, Bytes stream) {
  const uint32_t receiver = receiver_of_[client];
  size_t taken = 0;
  for (;;) {
    if (receiver != kNone) taken += TakeMessages(&receivers_[receiver], stream.subspan(taken));
    Bytes rest = stream.subspan(taken);
    Frame frame;
    if (!TakeFrame(&rest, &frame)) return taken;
    TakeOther(client, frame);
    taken += frame.bytes.size();
  }
}

// Takes messages as long as they look as expected; returns how many bytes those were.
size_t Traffic::TakeMessages(Receiver* receiver, Bytes stream) {
  const DeliveredFrames& expected = senders_[receiver->sender].delivered;
  const size_t size = expected.frame_bytes();
  if (size == 0) return 0;
  const uint64_t highest = receiver->check.highest();
  const uint8_t* at = stream.data();
  const uint8_t* const end = at + stream.size();
  uint64_t last_time = 0, times = 0, count = 0;
  while (static_cast<size_t>(end - at) >= size && expected.Matches(at)) {
    receiver->check.Take(expected.SequenceAt(at));
    const uint64_t time = expected.TimeStampAt(at);
    if (time != last_time) {
      if (times != 0) RecordLatency(last_time, times);
      last_time = time;
      times = 0;
    }
    ++times;
    ++count;
    at += size;
  }
  if (times != 0) RecordLatency(last_time, times);
  delivered_ += count;
  if (count != 0) {
    pool_->CountMessages(receiver->client, count);
    MarkUnanswered(static_cast<uint32_t>(receiver - receivers_.data()));
  }
  OnDelivered(receiver->sender, highest, receiver->check.highest());
  return static_cast<size_t>(at - stream.data());
}

void Traffic::RecordLatency(uint64_t time_stamp, uint64_t times) {
  RecordTime(&latency_, GatherStamp(time_stamp), times);
}

void Traffic::RecordTime(Histogram* histogram, uint64_t sent_ns, uint64_t times) {
  if (received_ns_ == 0) received_ns_ = SteadyNs();
  if (sent_ns < measure_from_ns_ || sent_ns >= measure_to_ns_ || sent_ns > received_ns_) return;
  histogram->Record(received_ns_ - sent_ns, times);
}

void Traffic::OnAccepted(uint32_t index, uint64_t up_to) {
  accepted_ += senders_[index].receipt_times.Accept(
      senders_[index].accepted_before + up_to,
      [this](uint64_t sent_ns, uint64_t count) { RecordTime(&receipt_latency_, sent_ns, count); });
  MarkReady(index);
}

// A receiver's highest number went from `from` to `to`.
void Traffic::OnDelivered(uint32_t index, uint64_t from, uint64_t to) {
  Sender& sender = senders_[index];
  sender.deliveries += to - from;
  if (sender.receivers_left.empty()) {
    sender.done = to;
  } else {
    const uint64_t mask = sender.receivers_left.size() - 1;
    for (uint64_t number = from + 1; number <= to; ++number) {
      if (--sender.receivers_left[number & mask] == 0) sender.done = std::max(sender.done, number);
    }
  }
  MarkReady(index);
}

void Traffic::TakeOther(uint32_t client, const Frame& frame) {
  const uint32_t receiver = receiver_of_[client];
  const uint32_t sender = sender_of_[client];
  switch (frame.type) {
    case PayloadType::kMessage:
      TakeUnknown(receiver, frame.bytes);
      return;
    case PayloadType::kError: {
      Error error;
      if (Decode(frame.payload, &error) == DecodeError::kNone) {
        ++errors_[static_cast<uint8_t>(error.code)];
      }
      return;
    }
    case PayloadType::kRejected: {
      Rejected rejected;
      if (Decode(frame.payload, &rejected) == DecodeError::kNone) {
        ++errors_[static_cast<uint8_t>(rejected.code)];
        ++rejected_;
        if (sender != kNone) ++senders_[sender].rejected;
      }
      return;
    }
    case PayloadType::kAccepted: {
      Accepted accepted;
      if (sender != kNone && Decode(frame.payload, &accepted) == DecodeError::kNone) {
        OnAccepted(sender, accepted.up_to);
      }
      return;
    }
    default:
      ++damaged_;
      return;
  }
}

// A message that does not look like those before it, or the first one.
void Traffic::TakeUnknown(uint32_t receiver, Bytes frame) {
  DeliveredKind kind = DeliveredKind::kForeign;
  if (receiver != kNone) kind = senders_[receivers_[receiver].sender].delivered.Learn(frame);
  if (kind == DeliveredKind::kExpected) {
    TakeMessages(&receivers_[receiver], frame);
    return;
  }
  if (receiver != kNone) {
    pool_->CountMessages(receivers_[receiver].client, 1);
    MarkUnanswered(receiver);
  }
  if (kind == DeliveredKind::kEarlierRun) {
    ++earlier_;
  } else {
    ++damaged_;
  }
}

TrafficTotals Traffic::Totals() const {
  TrafficTotals totals;
  totals.earlier = earlier_;
  totals.delivered = delivered_;
  totals.damaged = damaged_;
  totals.not_sent = not_sent_;
  totals.errors = errors_;
  for (const Sender& sender : senders_) {
    totals.sent += sender.sent;
    if (sender.receipts) {
      totals.unaccepted += sender.sent - sender.receipt_times.accepted() + sender.rejected;
    }
  }
  for (const Receiver& receiver : receivers_) {
    const Sender& sender = senders_[receiver.sender];
    const uint64_t lost = receiver.check.LostOf(sender.sent);
    totals.lost += lost - std::min(lost, sender.rejected);
    totals.doubled += receiver.check.doubled();
    totals.reordered += receiver.check.reordered();
  }
  return totals;
}

}  // namespace solec

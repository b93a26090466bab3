// history: what was kept is read back. First, if --fill says so, that many messages are sent in
// --pairs chats, and accepted. Then two things are measured:
//
//   pages   --readers users at a time walk through their chats, --page messages a request
//   tails   one user at a time reads the last --tail messages of its chat, as a client does that
//           shows a chat: it searches for the end, since histories are read forward only
//
// Every chat is checked on the way: positions rise and no message is missing.
#include <algorithm>
#include <random>

#include "bench/history_check.h"
#include "bench/history_reads.h"
#include "bench/measurement.h"
#include "bench/pairs.h"
#include "bench/scenarios.h"
#include "bench/steady_clock.h"
#include "bench/traffic_run.h"
#include "client/history_tail.h"

namespace solec {
namespace {

absl::Status Fill(const BenchOptions& given, ClientPool* pool, RunReport* report) {
  BenchOptions options = given;
  options.traffic.rate = 0;
  options.traffic.messages_each = (options.fill + options.pairs - 1) / options.pairs;
  Traffic traffic(pool, options.traffic);
  AddPairRoutes(options, *pool, &traffic);
  TrafficResult result(options.program.server_pid);
  const absl::Status status = RunTraffic(options, pool, &traffic, nullptr, &result);
  AddTrafficFigures(options, result, "fill", report);
  return status;
}

// What is known of one chat. The sender of the pair reads it.
struct Chat {
  HistoryCheck check;
  bool walked = false;  // to its end, at least once
  uint64_t end = 0;     // the last position, if so
  bool busy = false;
};

// Readers on their way through the chats, round and round.
class PageWalk {
 public:
  PageWalk(const BenchOptions& options, ClientPool* pool, HistoryReads* reads,
           std::vector<Chat>* chats)
      : options_(options), pool_(pool), reads_(reads), chats_(*chats) {
    reads->on_item = [this](uint32_t client, const HistoryItem& item) {
      chats_[client / 2].check.Take(item.position, item.timestamp.seconds, item.message_content);
    };
    reads->on_answer = [this](const HistoryAnswer& answer) { OnAnswer(answer); };
  }
  ~PageWalk() {
    reads_->on_item = nullptr;
    reads_->on_answer = nullptr;
  }

  void Start() {
    const size_t readers = std::min<size_t>(options_.readers, chats_.size());
    for (size_t i = 0; i < readers; ++i) EnterNextChat();
  }
  void Stop() { stopped_ = true; }
  void MeasureFromHere() { latency_.Reset(); }

  uint64_t pages() const { return pages_; }
  uint64_t items() const { return items_; }
  bool nothing_found() const { return walks_ > chats_.size() && items_ == 0; }
  const Histogram& latency() const { return latency_; }
  const absl::Status& status() const { return status_; }

 private:
  // There are no more readers than chats, so one is free.
  void EnterNextChat() {
    while (chats_[next_ % chats_.size()].busy) ++next_;
    const auto chat = static_cast<uint32_t>(next_++ % chats_.size());
    chats_[chat].busy = true;
    chats_[chat].check.Restart();
    ++walks_;
    AskFor(chat);
  }

  void AskFor(uint32_t chat) {
    reads_->Ask(2 * chat, pool_->plan(2 * chat + 1).name, chats_[chat].check.last_position(),
                options_.page);
  }

  void OnAnswer(const HistoryAnswer& answer) {
    const uint32_t number = answer.client / 2;
    Chat& chat = chats_[number];
    if (answer.code != ErrorCode::kNone) {
      status_.Update(HistoryRefused(pool_->plan(answer.client).name, answer.code));
      return;
    }
    ++pages_;
    items_ += answer.count;
    latency_.Record(answer.latency_ns);
    const bool at_end = answer.count < answer.limit;
    if (at_end) {
      chat.walked = true;
      chat.end = chat.check.last_position();
    }
    if (!at_end && !stopped_) return AskFor(number);
    chat.busy = false;
    if (!stopped_ && !nothing_found()) EnterNextChat();
  }

  const BenchOptions& options_;
  ClientPool* const pool_;
  HistoryReads* const reads_;
  std::vector<Chat>& chats_;
  size_t next_ = 0;
  uint64_t walks_ = 0;
  uint64_t pages_ = 0;
  uint64_t items_ = 0;
  bool stopped_ = false;
  Histogram latency_;
  absl::Status status_;
};

absl::Status MeasurePages(const BenchOptions& options, ClientPool* pool, HistoryReads* reads,
                          std::vector<Chat>* chats, RunReport* report) {
  PageWalk walk(options, pool, reads, chats);
  const auto turn_until = [&](uint64_t end_ns) {
    for (uint64_t now = SteadyNs();
         now < end_ns && pool->status().ok() && walk.status().ok() && !reads->AllAnswered();
         now = SteadyNs()) {
      pool->Turn(end_ns - now);
    }
  };
  walk.Start();
  turn_until(SteadyNs() + options.warmup_ns);
  walk.MeasureFromHere();
  Measurement measurement(options.program.server_pid);
  const uint64_t items_before = walk.items();
  const uint64_t begin_ns = SteadyNs();
  if (absl::Status status = measurement.Begin(begin_ns, walk.pages()); !status.ok()) return status;
  turn_until(begin_ns + options.duration_ns);
  if (absl::Status status = measurement.End(SteadyNs(), walk.pages()); !status.ok()) return status;
  const uint64_t items = walk.items() - items_before;
  const Histogram latency = walk.latency();
  walk.Stop();
  turn_until(SteadyNs() + HistoryReads::kAnswerNs);
  if (!pool->status().ok()) return pool->status();
  if (!walk.status().ok()) return walk.status();
  if (!reads->AllAnswered()) return absl::AbortedError("for 20 s a page was not answered");
  if (walk.nothing_found()) {
    return absl::AbortedError("the chats are empty; --fill N puts messages into them");
  }
  measurement.AddTo(report, "pages", "", options.spin);
  report->Add("page_messages_per_second", "messages read per second",
              static_cast<double>(items) / measurement.seconds(), "/s");
  report->latencies.push_back({"pages", "latency of a page", latency});
  return absl::OkStatus();
}

// The newest of a chat, by the same search that our client uses.
absl::Status MeasureTails(const BenchOptions& options, ClientPool* pool, HistoryReads* reads,
                          std::vector<Chat>* chats, RunReport* report) {
  std::mt19937_64 random(options.traffic.seed);
  Histogram latency;
  Measurement measurement(options.program.server_pid);
  const uint64_t asked_before = reads->asked();
  const uint64_t begin_ns = SteadyNs();
  if (absl::Status status = measurement.Begin(begin_ns, 0); !status.ok()) return status;
  uint64_t now = begin_ns;
  for (; now < begin_ns + options.duration_ns; now = SteadyNs()) {
    const auto number = static_cast<uint32_t>(random() % chats->size());
    const std::string& partner = pool->plan(2 * number + 1).name;
    absl::StatusOr<std::vector<HistoryEntry>> tail = ReadHistoryTail(
        [&](uint64_t after, uint16_t limit) {
          return reads->ReadNow(2 * number, partner, after, limit);
        },
        options.tail);
    if (!tail.ok()) return tail.status();
    latency.Record(SteadyNs() - now);
    const Chat& chat = (*chats)[number];
    const uint64_t end = tail->empty() ? 0 : tail->back().position;
    if (chat.walked && end < chat.end) ++report->lost;
    HistoryCheck check;
    for (const HistoryEntry& entry : *tail) {
      check.Take(entry.position, entry.message.timestamp, entry.message.content);
    }
    report->lost += check.missing();
    report->reordered += check.reordered();
  }
  if (absl::Status status = measurement.End(now, latency.count()); !status.ok()) return status;
  measurement.AddTo(report, "tails", "tail", options.spin);
  report->Add("requests_per_tail", "requests to find a tail",
              static_cast<double>(reads->asked() - asked_before) /
                  static_cast<double>(std::max<uint64_t>(latency.count(), 1)));
  report->latencies.push_back({"tails", "the last " + std::to_string(options.tail), latency});
  return absl::OkStatus();
}

}  // namespace

absl::Status RunHistory(const BenchOptions& given, ClientPool* pool, RunReport* report) {
  BenchOptions options = given;
  options.receipts = options.fill != 0;
  AddPairs(options, pool);
  if (absl::Status status = pool->OpenAll(); !status.ok()) return status;
  if ((pool->features(0) & kFeatureHistory) == 0) {
    return absl::UnavailableError("this server keeps no histories: it needs a data_dir");
  }
  if (options.fill != 0) {
    if (absl::Status status = Fill(options, pool, report); !status.ok()) return status;
  }
  HistoryReads reads(pool);
  std::vector<Chat> chats(options.pairs);
  pool->SetSink(&reads);
  report->checked = true;
  absl::Status status = MeasurePages(options, pool, &reads, &chats, report);
  if (status.ok()) status = MeasureTails(options, pool, &reads, &chats, report);
  pool->SetSink(nullptr);
  for (const Chat& chat : chats) {
    report->lost += chat.check.missing();
    report->reordered += chat.check.reordered();
    report->damaged += chat.check.foreign();
  }
  report->damaged += reads.damaged();
  return status;
}

}  // namespace solec

// One shard's mailboxes: a bounded ring to and from every other shard, for each class of mail.
//
// Full rings. Code that acts for a connection asks Offer(), and if there is no room puts the
// connection on hold: it stops reading, nothing is dropped. Everything else (answers, what an
// administrator asked for) uses Post(), which keeps the mail in a queue of this shard until there
// is room. That queue is bounded by construction: as long as more than kBacklogMax bytes of answers
// wait, the shard takes in no more requests (MayTakeRequests), and answers are always taken in;
// requests are posted at most one at a time for each connection (a hand-over, a join).
//
// One shard's thread; the rings between are SpscRing.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/spsc_ring.h"
#include "net/moving_tls.h"
#include "shard/mail.h"

namespace solec {

// The rings of all shards, and who sleeps. Made once, before the shards start; shared by all.
class MailRings {
 public:
  MailRings(uint32_t shard_count, size_t ring_bytes);

  uint32_t shard_count() const { return shard_count_; }
  SpscRing& Ring(uint32_t from, uint32_t to, MailClass mail_class) {
    return *rings_[(from * shard_count_ + to) * kMailClassCount + static_cast<size_t>(mail_class)];
  }

  // A shard that is about to sleep says so, and then looks once more whether there is mail. A
  // writer publishes, and then takes the flag; whoever took it set rings. All are
  // read-modify-writes of one flag: either the writer takes what the sleeper set, or the sleeper's
  // own exchange reads what the writer left, and so sees what it published. (A fence would do as
  // well and cost the same, but ThreadSanitizer does not understand fences.)
  void BeginSleep(uint32_t shard) { Flag(shard).exchange(true, std::memory_order_acq_rel); }
  void EndSleep(uint32_t shard) { Flag(shard).exchange(false, std::memory_order_acq_rel); }
  bool TakeSleeping(uint32_t shard) {
    return Flag(shard).exchange(false, std::memory_order_acq_rel);
  }

  MovingTls& moving_tls() { return moving_tls_; }

 private:
  struct alignas(kCacheLine) Sleeper {
    std::atomic<bool> sleeping{false};
  };
  std::atomic<bool>& Flag(uint32_t shard) { return sleepers_[shard].sleeping; }

  const uint32_t shard_count_;
  std::vector<std::unique_ptr<SpscRing>> rings_;  // the diagonal is empty
  std::unique_ptr<Sleeper[]> sleepers_;
  MovingTls moving_tls_;
};

class Mailboxes {
 public:
  // Bytes of answers that may wait for room before the shard takes in no more requests.
  static constexpr size_t kBacklogMax = 4 << 20;

  Mailboxes(MailRings* rings, uint32_t shard);

  uint32_t shard() const { return shard_; }
  uint32_t shard_count() const { return rings_->shard_count(); }

  // Writes a mail if there is room; false, and nothing was written, if not. `text` and `rest`
  // together at most 64 KiB and some.
  bool Offer(uint32_t to, MailClass mail_class, MailHeader header, std::string_view text,
             Bytes rest = {}, Bytes more = {});
  // Adds another frame to the mail that was written last to that shard, if it was `header` and
  // `text` all the same and is still unpublished: consecutive messages of one session to one target
  // make one mail, which is looked up and settled once. A header that counts numbers must go on
  // with the next one. False, and nothing has changed, if it has to be a mail of its own.
  bool Extend(uint32_t to, MailClass mail_class, const MailHeader& header, std::string_view text,
              Bytes rest, Bytes more);
  // Writes a mail now or as soon as there is room.
  void Post(uint32_t to, MailClass mail_class, MailHeader header, std::string_view text,
            Bytes rest = {}, Bytes more = {});

  // For the mails that hand connections over.
  MovingTls& moving_tls() { return rings_->moving_tls(); }

  bool MayTakeRequests() const { return answer_backlog_bytes_ <= kBacklogMax; }

  // Reads what other shards wrote: calls take(Mail) for at most `limit` mails of each ring, as long
  // as may_take() says so.
  template <class MayTake, class Take>
  void Drain(MailClass mail_class, size_t limit, MayTake&& may_take, Take&& take);
  template <class Take>
  void Drain(MailClass mail_class, size_t limit, Take&& take) {
    Drain(mail_class, limit, [] { return true; }, take);
  }

  // Moves what waits into the rings, makes the turn's mails visible, and calls ring(shard) for each
  // shard that sleeps and has new mail. True if every ring had room for all.
  template <class RingDoorbell>
  bool Flush(RingDoorbell&& ring);

  // After an Offer had no room: whether it is worth another try. Not before half of the ring is
  // free, so that those who wait do not take turns at holding and resuming for a few bytes each.
  bool HasRoom(uint32_t to, MailClass mail_class) {
    return Backlog(to, mail_class).empty() && rings_->Ring(shard_, to, mail_class).HalfFree();
  }

  // For a shard about to sleep, after BeginSleep.
  bool HasMail() const;

 private:
  std::deque<std::string>& Backlog(uint32_t to, MailClass mail_class) {
    return backlog_[to * kMailClassCount + static_cast<size_t>(mail_class)];
  }
  uint8_t* Reserve(uint32_t to, MailClass mail_class, size_t size);
  static void Fill(uint8_t* to, const MailHeader& header, std::string_view text, Bytes rest,
                   Bytes more);

  MailRings* rings_;
  const uint32_t shard_;
  // Mails that wait for room, by class and shard, oldest first.
  std::vector<std::deque<std::string>> backlog_;
  size_t answer_backlog_bytes_ = 0;
  uint8_t* last_mail_ = nullptr;  // Offer's last, for Extend; nullptr after Flush
  size_t last_size_ = 0;
  uint32_t last_to_ = 0;
  MailClass last_class_{};
};

template <class MayTake, class Take>
void Mailboxes::Drain(MailClass mail_class, size_t limit, MayTake&& may_take, Take&& take) {
  for (uint32_t from = 0; from < shard_count(); ++from) {
    if (from == shard_) continue;
    SpscRing& ring = rings_->Ring(from, shard_, mail_class);
    size_t size = 0;
    size_t count = 0;
    while (count < limit && may_take()) {
      const uint8_t* record = ring.Peek(&size);
      if (record == nullptr) break;
      take(ReadMail(record, size));
      ring.Pop();
      ++count;
    }
    if (count != 0) ring.Release();
  }
}

template <class RingDoorbell>
bool Mailboxes::Flush(RingDoorbell&& ring_doorbell) {
  bool all_sent = true;
  last_mail_ = nullptr;
  for (uint32_t to = 0; to < shard_count(); ++to) {
    if (to == shard_) continue;
    bool published = false;
    for (size_t i = 0; i < kMailClassCount; ++i) {
      SpscRing& ring = rings_->Ring(shard_, to, static_cast<MailClass>(i));
      std::deque<std::string>& waiting = backlog_[to * kMailClassCount + i];
      while (!waiting.empty()) {
        uint8_t* at = ring.Reserve(waiting.front().size());
        if (at == nullptr) break;
        std::memcpy(at, waiting.front().data(), waiting.front().size());
        if (static_cast<MailClass>(i) == MailClass::kAnswer) {
          answer_backlog_bytes_ -= waiting.front().size();
        }
        waiting.pop_front();
      }
      all_sent = all_sent && waiting.empty();
      published = ring.Publish() || published;
    }
    if (published && rings_->TakeSleeping(to)) ring_doorbell(to);
  }
  return all_sent;
}

}  // namespace solec

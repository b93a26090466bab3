#include "shard/mailboxes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace solec {
namespace {

MailHeader NumberedHeader(uint64_t number) {
  MailHeader header;
  header.type = MailType::kSettled;
  header.number = number;
  return header;
}

TEST(Mailboxes, CarriesMailsInOrder) {
  MailRings rings(2, 64 * 1024);
  Mailboxes a(&rings, 0), b(&rings, 1);
  const std::string first = "first", rest = "rest", more = "more";
  ASSERT_TRUE(
      a.Offer(1, MailClass::kRequest, NumberedHeader(1), first, AsBytes(rest), AsBytes(more)));
  ASSERT_TRUE(a.Offer(1, MailClass::kRequest, NumberedHeader(2), "second"));
  std::vector<std::string> taken;
  auto take = [&](const Mail& mail) {
    taken.push_back(std::to_string(mail.header.number) + std::string(mail.text) +
                    std::string(AsString(mail.rest)));
  };
  b.Drain(MailClass::kRequest, 10, take);
  EXPECT_TRUE(taken.empty());  // not before the turn is over
  EXPECT_TRUE(a.Flush([](uint32_t) { ADD_FAILURE() << "nobody sleeps"; }));
  EXPECT_TRUE(b.HasMail());
  b.Drain(MailClass::kAnswer, 10, take);
  EXPECT_TRUE(taken.empty());
  b.Drain(MailClass::kRequest, 10, take);
  EXPECT_EQ(taken, (std::vector<std::string>{"1firstrestmore", "2second"}));
  EXPECT_FALSE(b.HasMail());
}

TEST(Mailboxes, RefusesAnOfferWhenTheRingIsFullAndKeepsAPost) {
  MailRings rings(2, 64 * 1024);
  Mailboxes a(&rings, 0), b(&rings, 1);
  const std::string rest(10'000, 'x');
  uint64_t offered = 0;
  while (a.Offer(1, MailClass::kAnswer, NumberedHeader(offered), "", AsBytes(rest))) ++offered;
  EXPECT_GT(offered, 4u);
  uint64_t posted = offered;
  while (a.MayTakeRequests())
    a.Post(1, MailClass::kAnswer, NumberedHeader(posted++), "", AsBytes(rest));
  EXPECT_LE(posted * rest.size(), Mailboxes::kBacklogMax + 128 * 1024);
  EXPECT_FALSE(a.HasRoom(1, MailClass::kAnswer));
  // What waits goes first, and all comes in order.
  uint64_t next = 0;
  for (int turn = 0; turn < 1'000 && next < posted; ++turn) {
    EXPECT_FALSE(a.Flush([](uint32_t) {}) && next + 6 < offered);
    EXPECT_FALSE(next + 20 < posted && a.Offer(1, MailClass::kAnswer, NumberedHeader(0), ""));
    b.Drain(MailClass::kAnswer, 3,
            [&](const Mail& mail) { EXPECT_EQ(mail.header.number, next++); });
  }
  EXPECT_EQ(next, posted);
  EXPECT_TRUE(a.MayTakeRequests());
  EXPECT_TRUE(a.HasRoom(1, MailClass::kAnswer));
}

TEST(Mailboxes, RingsOnlyForAShardThatSleepsAndOnlyOnce) {
  MailRings rings(3, 64 * 1024);
  Mailboxes a(&rings, 0);
  std::vector<uint32_t> rung;
  auto ring = [&](uint32_t shard) { rung.push_back(shard); };
  rings.BeginSleep(1);
  a.Flush(ring);
  EXPECT_TRUE(rung.empty());  // there was no mail
  a.Post(1, MailClass::kAnswer, NumberedHeader(1), "");
  a.Post(2, MailClass::kAnswer, NumberedHeader(1), "");
  a.Flush(ring);
  EXPECT_EQ(rung, std::vector<uint32_t>{1});
  a.Post(1, MailClass::kAnswer, NumberedHeader(2), "");
  a.Flush(ring);
  EXPECT_EQ(rung.size(), 1u);
}

// Two threads that sleep whenever there is nothing: a doorbell that is lost would leave both
// asleep.
TEST(Mailboxes, LosesNoMailAndNoDoorbellBetweenTwoThreads) {
  MailRings rings(2, 64 * 1024);
  constexpr uint64_t kRounds = 20'000;
  std::counting_semaphore<> bells[2] = {std::counting_semaphore<>(0), std::counting_semaphore<>(0)};
  std::atomic<bool> late{false};
  auto run = [&](uint32_t shard) {
    Mailboxes box(&rings, shard);
    uint64_t next = 0, sent = 0;
    const uint32_t other = 1 - shard;
    while (next < kRounds && !late) {
      // Each answers what came, and the first begins.
      while (sent < kRounds && sent <= next + (shard == 0 ? 3 : 0) && (shard == 0 || sent < next)) {
        if (!box.Offer(other, MailClass::kRequest, NumberedHeader(sent), "name")) break;
        ++sent;
      }
      box.Flush([&](uint32_t to) { bells[to].release(); });
      rings.BeginSleep(shard);
      if (!box.HasMail() && !bells[shard].try_acquire_for(std::chrono::seconds(20))) late = true;
      rings.EndSleep(shard);
      box.Drain(MailClass::kRequest, 100,
                [&](const Mail& mail) { EXPECT_EQ(mail.header.number, next++); });
    }
    // The last answers.
    while (sent < kRounds && !late) {
      if (box.Offer(other, MailClass::kRequest, NumberedHeader(sent), "name"))
        ++sent;
      else
        std::this_thread::yield();
      box.Flush([&](uint32_t to) { bells[to].release(); });
    }
    EXPECT_EQ(next, kRounds);
  };
  std::thread second([&] { run(1); });
  run(0);
  second.join();
  EXPECT_FALSE(late);
}

}  // namespace
}  // namespace solec

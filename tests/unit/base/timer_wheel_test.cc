#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

constexpr uint64_t kTick = TimerWheel::kTickNs;
constexpr uint64_t kHourNs = uint64_t{3'600'000'000'000};

std::vector<uint32_t> AdvanceTo(TimerWheel* wheel, uint64_t now_ns) {
  std::vector<uint32_t> fired;
  wheel->Advance(now_ns, [&](uint32_t id) { fired.push_back(id); });
  return fired;
}

TEST(TimerWheel, WithoutTimersNothingIsDue) {
  TimerWheel wheel(0);
  EXPECT_EQ(wheel.NextNs(), UINT64_MAX);
  EXPECT_TRUE(AdvanceTo(&wheel, 1'000 * kHourNs).empty());
  EXPECT_FALSE(wheel.IsSet(0));
  wheel.Cancel(0);
}

TEST(TimerWheel, FiresAtTheTickThatCoversTheDeadlineAndNeverBefore) {
  for (const uint64_t deadline : {uint64_t{1}, kTick - 1, kTick, kTick + 1, 63 * kTick, 64 * kTick,
                                  65 * kTick, 4'096 * kTick, 4'097 * kTick - 1, kHourNs}) {
    TimerWheel wheel(0);
    wheel.Set(9, deadline);
    const uint64_t covering = (deadline + kTick - 1) / kTick * kTick;
    EXPECT_TRUE(AdvanceTo(&wheel, covering - 1).empty()) << deadline;
    EXPECT_TRUE(wheel.IsSet(9));
    EXPECT_EQ(AdvanceTo(&wheel, covering), std::vector<uint32_t>{9}) << deadline;
    EXPECT_FALSE(wheel.IsSet(9));
  }
}

TEST(TimerWheel, ADeadlineInThePastFiresAtTheNextTick) {
  TimerWheel wheel(100 * kTick);
  wheel.Set(1, 0);
  EXPECT_EQ(AdvanceTo(&wheel, 101 * kTick), std::vector<uint32_t>{1});
}

TEST(TimerWheel, MovingATimerForgetsItsOldDeadline) {
  TimerWheel wheel(0);
  wheel.Set(1, 10 * kTick);
  wheel.Set(1, 300 * kTick);
  EXPECT_TRUE(AdvanceTo(&wheel, 299 * kTick).empty());
  wheel.Set(1, 305 * kTick);
  wheel.Set(1, 301 * kTick);
  EXPECT_EQ(AdvanceTo(&wheel, 301 * kTick), std::vector<uint32_t>{1});
  EXPECT_TRUE(AdvanceTo(&wheel, 1'000 * kTick).empty());
}

TEST(TimerWheel, ACancelledTimerDoesNotFire) {
  TimerWheel wheel(0);
  for (uint32_t id = 0; id < 3; ++id) wheel.Set(id, 5 * kTick);
  wheel.Cancel(1);
  wheel.Cancel(1);
  const std::vector<uint32_t> fired = AdvanceTo(&wheel, kHourNs);
  EXPECT_EQ(std::set<uint32_t>(fired.begin(), fired.end()), (std::set<uint32_t>{0, 2}));
}

TEST(TimerWheel, TheExpiredMaySetAndCancelTimersTheirOwnIncluded) {
  TimerWheel wheel(0);
  wheel.Set(1, kTick);
  wheel.Set(2, kTick);
  std::vector<uint32_t> fired;
  wheel.Advance(10 * kTick, [&](uint32_t id) {
    fired.push_back(id);
    wheel.Cancel(id == 1 ? 2 : 1);                        // the other one of the same tick
    if (fired.size() < 4) wheel.Set(id, 0);               // again, as soon as possible
    if (fired.size() == 4) wheel.Set(5'000, 11 * kTick);  // makes the table of ids grow
  });
  EXPECT_EQ(fired.size(), 4u);
  EXPECT_EQ(fired[0], fired[3]);
  EXPECT_EQ(AdvanceTo(&wheel, 11 * kTick), std::vector<uint32_t>{5'000});
}

// A wheel of 2^24 ticks reaches some 3 days.
TEST(TimerWheel, ATimerBeyondItsReachStillDoesNotFireEarly) {
  for (const uint64_t days : {2, 3, 4, 12, 40}) {
    TimerWheel wheel(kTick * 12'345'677);
    const uint64_t deadline = kTick * 12'345'677 + days * 24 * kHourNs + 1;
    wheel.Set(3, deadline);
    EXPECT_TRUE(AdvanceTo(&wheel, deadline - 1).empty()) << days;
    EXPECT_EQ(AdvanceTo(&wheel, deadline + kTick).size(), 1u) << days;
  }
}

TEST(TimerWheel, TheFarthestDeadlineIsTaken) {
  TimerWheel wheel(0);
  wheel.Set(0, UINT64_MAX);
  EXPECT_TRUE(AdvanceTo(&wheel, 24 * 10 * kHourNs).empty());
  EXPECT_TRUE(wheel.IsSet(0));
  EXPECT_LT(wheel.NextNs(), UINT64_MAX);
}

// The model: a map of ids to ticks, searched from end to end.
TEST(TimerWheel, AgreesWithANaiveModelUnderRandomUse) {
  for (uint64_t seed = Seed(1), end = seed + 12; seed < end; ++seed) {
    SCOPED_TRACE(RepeatWith(seed));
    std::mt19937_64 random(seed);
    uint64_t now = random() % (uint64_t{1} << 50);
    TimerWheel wheel(now);
    std::map<uint32_t, uint64_t> model;
    for (int step = 0; step < 4'000; ++step) {
      const auto id = static_cast<uint32_t>(random() % 200);
      const uint64_t action = random() % 10;
      if (action < 6) {
        // From a tick to weeks, each order of magnitude as likely.
        const uint64_t ahead = random() % (uint64_t{1} << (random() % 52));
        wheel.Set(id, now + ahead);
        model[id] = std::max((now + ahead + kTick - 1) / kTick, now / kTick + 1);
      } else if (action == 6) {
        wheel.Cancel(id);
        model.erase(id);
      } else {
        const uint64_t next = wheel.NextNs();
        ASSERT_EQ(next == UINT64_MAX, model.empty());
        uint64_t first_due = UINT64_MAX;
        for (const auto& [timer, tick] : model) first_due = std::min(first_due, tick * kTick);
        ASSERT_LE(next, first_due) << "NextNs would oversleep";
        if (next != UINT64_MAX) {
          ASSERT_GT(next, now) << "NextNs would spin";
        }
        now = action == 7 && next != UINT64_MAX ? next
                                                : now + random() % (uint64_t{1} << (random() % 48));
        std::set<uint32_t> fired;
        uint64_t last_tick = 0;
        wheel.Advance(now, [&](uint32_t timer) {
          EXPECT_TRUE(fired.insert(timer).second);
          EXPECT_GE(model[timer], last_tick) << "out of order";
          last_tick = model[timer];
        });
        std::set<uint32_t> due;
        for (const auto& [timer, tick] : model) {
          if (tick <= now / kTick) due.insert(timer);
        }
        ASSERT_EQ(fired, due);
        for (const uint32_t timer : due) model.erase(timer);
      }
      ASSERT_EQ(wheel.IsSet(id), model.contains(id));
    }
  }
}

TEST(TimerWheel, AMillionTimersFireOnceEach) {
  constexpr uint32_t kCount = 1'000'000;
  TimerWheel wheel(0);
  std::mt19937_64 random(6);
  std::vector<uint32_t> due_tick(kCount);
  for (uint32_t id = 0; id < kCount; ++id) {
    due_tick[id] = static_cast<uint32_t>(1 + random() % 100'000);
    wheel.Set(id, due_tick[id] * kTick);
  }
  uint64_t fired = 0, wrong = 0, now_tick = 0;
  for (uint32_t advances = 0; fired < kCount && advances < 100'000; ++advances) {
    const uint64_t last_tick = now_tick;
    now_tick += 997;
    wheel.Advance(now_tick * kTick, [&](uint32_t id) {
      ++fired;
      if (due_tick[id] <= last_tick || due_tick[id] > now_tick) ++wrong;
    });
  }
  EXPECT_EQ(fired, kCount);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(wheel.NextNs(), UINT64_MAX);
}

TEST(TimerWheelDeathTest, TheIdOfNothingHasNoTimer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  TimerWheel wheel(0);
  EXPECT_DEATH(wheel.Set(UINT32_MAX, 1), "kNone");
}

}  // namespace
}  // namespace solec

// The loop of one shard over one I/O: what happened is taken in, what it means is decided, what
// came of it is sent, once a turn. One thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "base/assert.h"
#include "shard/shard_core.h"

namespace solec {

template <class IoType>
class Shard {
 public:
  // `io` outlives the shard.
  Shard(const ShardEnvironment& environment, IoType* io)
      : io_(io),
        rings_(environment.rings),
        shard_(environment.shard),
        core_(environment),
        driver_(io, &core_.connections(), &core_) {
    core_.peer_text = [io](SocketId socket) { return io->PeerText(socket); };
    core_.unacked_bytes = [io](SocketId socket) { return io->UnackedBytes(socket); };
  }

  // Has `task` run on the shard's thread. From any thread; the caller then wakes the I/O.
  void Submit(std::function<void(ShardCore&)> task) {
    std::lock_guard lock(tasks_mutex_);
    tasks_.push_back(std::move(task));
    has_tasks_.store(true, std::memory_order_release);
  }

  // One turn. `spin_ns`: for how long after its last work it does not sleep.
  void RunTurn(uint64_t spin_ns) { FinishTurn(BeginTurn(spin_ns)); }

  // A turn in two halves, for the simulation, where other shards run while this one sleeps.
  // The first says whether the second may sleep in the I/O.
  bool BeginTurn(uint64_t spin_ns) {
    assert_context.shard = shard_;
    ++assert_context.turn;
    // Whoever writes to us from here on rings, unless we see it ourselves.
    bool may_sleep = !busy_ && !driver_.HasWork() && io_->NowNs() - last_work_ns_ >= spin_ns;
    sleep_announced_ = may_sleep;
    if (sleep_announced_) {
      rings_->BeginSleep(shard_);
      may_sleep = !core_.mailboxes().HasMail() && !has_tasks_.load(std::memory_order_acquire);
    }
    uint64_t wake_at = std::min(core_.connections().timers().NextNs(), core_.NextTimerNs());
    // Nobody rings when there is room in a mailbox again.
    if (!all_mail_sent_ || core_.WaitsForRoom()) {
      wake_at = std::min(wake_at, io_->NowNs() + kMailRetryNs);
    }
    io_->SetTimer(wake_at);
    return may_sleep;
  }

  void FinishTurn(bool may_sleep) {
    assert_context.shard = shard_;
    bool worked = io_->Turn(driver_, may_sleep);
    if (sleep_announced_) rings_->EndSleep(shard_);
    core_.SetNow(io_->NowNs());
    worked = RunTasks() || worked;
    worked = core_.TakeIn() || worked;
    for (ShardCore::Arrival& arrival : core_.TakeArrivals()) {
      const auto handle =
          static_cast<typename IoType::NativeHandle>(arrival.state.native_handle);
      core_.Arrive(driver_.Adopt(handle, AsBytes(arrival.input), arrival.state.since_ms,
                                 std::move(arrival.tls)),
                   arrival);
    }
    driver_.RunTimers();
    core_.RunTimers();
    core_.GatherTurn();
    driver_.RunMoves([this](Connection* connection, auto release) {
      core_.MailHandOver(connection, static_cast<uint64_t>(release()));
    });
    driver_.Flush();
    // Flush may have parsed input that was held: what that gathered goes out in the next turn.
    all_mail_sent_ = core_.mailboxes().Flush([this](uint32_t shard) {
      core_.counters().doorbells.Add();
      io_->Wake(shard);
    });
    core_.FlushStore();
    core_.counters().turns.Add();
    busy_ = core_.HasGathered();
    if (worked) last_work_ns_ = io_->NowNs();
  }

  ShardCore& core() { return core_; }

 private:
  static constexpr uint64_t kMailRetryNs = 200'000;

  bool RunTasks() {
    if (!has_tasks_.load(std::memory_order_acquire)) return false;
    std::vector<std::function<void(ShardCore&)>> tasks;
    {
      std::lock_guard lock(tasks_mutex_);
      tasks.swap(tasks_);
      has_tasks_.store(false, std::memory_order_relaxed);
    }
    for (auto& task : tasks) task(core_);
    return true;
  }

  IoType* io_;
  MailRings* rings_;
  const uint32_t shard_;
  ShardCore core_;
  ConnectionDriver<IoType, ShardCore> driver_;
  bool busy_ = true;
  bool all_mail_sent_ = true;
  bool sleep_announced_ = false;
  uint64_t last_work_ns_ = 0;
  std::mutex tasks_mutex_;
  std::vector<std::function<void(ShardCore&)>> tasks_;
  std::atomic<bool> has_tasks_{false};
};

}  // namespace solec

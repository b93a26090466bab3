// What a shard of a test's sleeps on while its store works on other threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace solec {

class Wake {
 public:
  void Ring() {
    std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }
  // Until rung; false after a minute: the test fails rather than hangs.
  bool Wait() {
    std::unique_lock lock(mutex_);
    const bool rung = changed_.wait_for(lock, std::chrono::minutes(1), [this] { return rung_; });
    rung_ = false;
    return rung;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

}  // namespace solec

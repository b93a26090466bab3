// A disk, below a store's folder, that is full, fails or stands still when a test says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace solec {

class FaultyDisk : public rocksdb::FileSystemWrapper {
 public:
  enum class State { kWell, kFull, kFails };

  FaultyDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyDisk"; }

  // For DiskStoreOptions::memory.
  static std::shared_ptr<void> EnvOf(const std::shared_ptr<FaultyDisk>& disk) {
    return std::shared_ptr<rocksdb::Env>(rocksdb::NewCompositeEnv(disk));
  }

  void set_state(State state) { state_ = state; }
  // Files whose names end so are the only ones concerned; empty: all.
  void set_suffix(std::string suffix) { suffix_ = std::move(suffix); }

  // While it stands still no file is synchronized.
  void StandStill() {
    std::lock_guard lock(mutex_);
    stands_still_ = true;
  }
  void GoOn() {
    std::lock_guard lock(mutex_);
    stands_still_ = false;
    changed_.notify_all();
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    if (rocksdb::IOStatus fault = FaultFor(name); !fault.ok()) return fault;
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus made = target()->NewWritableFile(name, options, &file, context);
    if (made.ok()) *result = std::make_unique<File>(this, name, std::move(file));
    return made;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(FaultyDisk* disk, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), name_(std::move(name)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (rocksdb::IOStatus fault = disk_->FaultFor(name_); !fault.ok()) {
        // As a disk that fills up does: a part of it is there.
        rocksdb::FSWritableFileOwnerWrapper::Append({data.data(), data.size() / 2}, options,
                                                    context)
            .PermitUncheckedError();
        return fault;
      }
      return rocksdb::FSWritableFileOwnerWrapper::Append(data, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      disk_->WaitUntilItGoesOn();
      if (rocksdb::IOStatus fault = disk_->FaultFor(name_); !fault.ok()) return fault;
      return rocksdb::FSWritableFileOwnerWrapper::Sync(options, context);
    }

   private:
    FaultyDisk* const disk_;
    const std::string name_;
  };

  rocksdb::IOStatus FaultFor(const std::string& name) const {
    const State state = state_;
    if (state == State::kWell || !name.ends_with(suffix_)) return rocksdb::IOStatus::OK();
    return state == State::kFull ? rocksdb::IOStatus::NoSpace("no space left on the faulty disk")
                                 : rocksdb::IOStatus::IOError("the faulty disk fails");
  }
  void WaitUntilItGoesOn() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !stands_still_; });
  }

  std::atomic<State> state_{State::kWell};
  std::string suffix_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stands_still_ = false;
};

}  // namespace solec

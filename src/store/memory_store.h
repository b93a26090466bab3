// The store of a server without a disk: everything in memory, gone with the process. Each shard has
// one of its own, for the users and channels that live there; only the spools for peers are all
// shards' together (MemorySpools). Of messages it keeps only those that wait, and no history.
// Bounded in bytes: what would go over is refused with kFull.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/memory_spools.h"
#include "store/store.h"

namespace solec {

class MemoryStore final : public StorePort {
 public:
  // `bytes_max`: of everything but the spools, which have a bound of their own. Without `spools`
  // (not owned) the store has some to itself: it is the only one then.
  explicit MemoryStore(uint64_t bytes_max, MemorySpools* spools = nullptr, uint32_t shard = 0)
      : shard_(shard), bytes_max_(bytes_max) {
    if (spools == nullptr) {
      own_spools_ = std::make_unique<MemorySpools>(shard + 1, bytes_max, [](uint32_t) {});
    }
    spools_ = spools == nullptr ? own_spools_.get() : spools;
  }

  bool KeepsAll() const override { return false; }
  void LoadUser(std::string_view name, StoreDone done) override;
  void AddUser(std::string_view name, std::string_view password_hash, StoreDone done) override;
  void SetPassword(std::string_view name, std::string_view hash, StoreDone done) override;
  void RemoveUser(std::string_view name, StoreDone done) override;
  void PutContact(std::string_view user, std::string_view address, bool agreed,
                  StoreDone done) override;
  void RemoveContact(std::string_view user, std::string_view address, StoreDone done) override;
  void PutJoined(std::string_view user, std::string_view channel, StoreDone done) override;
  void RemoveJoined(std::string_view user, std::string_view channel, StoreDone done) override;
  void ListUsers(std::string_view after, size_t limit, StoreDone done) override;
  void LoadChannel(std::string_view channel, StoreDone done) override;
  void AddChannel(std::string_view channel, StoreDone done) override;
  void RemoveChannel(std::string_view channel, StoreDone done) override;
  void PutMember(std::string_view channel, std::string_view address, StoreDone done) override;
  void RemoveMember(std::string_view channel, std::string_view address, StoreDone done) override;
  void ListChannels(std::string_view after, size_t limit, StoreDone done) override;
  void SetKeptHandler(KeptHandler handler) override { kept_handler_ = std::move(handler); }
  void KeepDirect(const DirectMessages& messages, const KeepTicket& ticket) override;
  void KeepChannel(std::string_view channel, Bytes frames,
                   std::span<const std::string_view> peers,
                   std::span<const ReceivedMessages> received, const KeepTicket& ticket) override;
  void SetDelivered(std::string_view user, InboxMark mark, StoreDone done) override;
  void ReadWaiting(std::string_view user, uint64_t after, size_t bytes_max,
                   StoreDone done) override;
  void ReadHistory(const HistoryQuery& query, StoreDone done) override;
  void SetSpoolHandler(SpoolHandler handler) override { spool_handler_ = std::move(handler); }
  void SetSpoolBytesMax(uint64_t bytes) override { spools_->SetBytesMax(bytes); }
  void LoadPeer(std::string_view peer, StoreDone done) override;
  void ForgetPeer(std::string_view peer) override;
  void SetOutStream(std::string_view peer, uint64_t stream, uint64_t base, StoreDone done) override;
  void SetInStream(std::string_view peer, uint64_t stream, StoreDone done) override;
  void KeepOutgoing(const OutgoingMessages& messages, const KeepTicket& ticket) override;
  void MarkReceived(const ReceivedMessages& messages, const KeepTicket& ticket) override;
  void ReadSpool(std::string_view peer, uint64_t after, size_t bytes_max, StoreDone done) override;
  void TrimSpool(std::string_view peer, uint64_t up_to, StoreDone done) override;
  void Flush() override {}
  bool Poll() override;
  bool HasCompletions() const override {
    return !completed_.empty() || spools_->HasGrowth(shard_);
  }
  bool HasRoom() const override { return completed_.size() < kQueueMax; }
  bool IsQuiet() const override { return completed_.empty(); }
  // The spools are counted once, with the first shard's.
  uint64_t ByteCount() const override {
    return byte_count_ + (shard_ == 0 ? spools_->ByteCount() : 0);
  }

 private:
  static constexpr size_t kQueueMax = 64 * 1024;

  struct Run {
    InboxMark mark;  // of its last message
    uint32_t count;
    std::string frames;
  };

  struct Waiting {
    std::deque<Run> runs;  // never empty
    InboxMark delivered;   // before the first
  };

  struct User {
    std::string password_hash;
    std::vector<ContactRecord> contacts;  // in order of address
    std::vector<std::string> channels;    // in order
    std::unique_ptr<Waiting> waiting;     // null while nothing waits: most users
  };

  // Ordered, because lists are shown in pages; and members of one channel because they may be many.
  using Users = std::map<std::string, User, std::less<>>;
  using Channels = std::map<std::string, std::map<std::string, char, std::less<>>, std::less<>>;

  struct Completed {
    StoreDone done;  // empty: a ticket
    StoreCompletion completion;
    KeepTicket ticket;
    uint64_t position = 0;
  };

  void Complete(StoreDone done, StoreStatus status) {
    completed_.push_back({std::move(done), {status, {}}, {}});
  }
  template <class T>
  void Complete(StoreDone done, T value) {
    completed_.push_back({std::move(done), {StoreStatus::kDone, std::move(value)}, {}});
  }
  void CompleteTicket(const KeepTicket& ticket, StoreStatus status, uint64_t position = 0) {
    completed_.push_back({{}, {status, {}}, ticket, position});
  }
  User* FindUser(std::string_view name);
  void Trim(User* user, InboxMark mark);
  bool Charge(uint64_t bytes);  // false, with nothing changed, if it would go over bytes_max_
  void Refund(uint64_t bytes) { byte_count_ -= bytes; }

  const uint32_t shard_;
  const uint64_t bytes_max_;
  std::unique_ptr<MemorySpools> own_spools_;
  MemorySpools* spools_;
  uint64_t byte_count_ = 0;
  uint64_t last_position_ = 0;  // of any user's: one that was given out never comes again
  Users users_;
  Channels channels_;
  // Most look-ups are by exact name.
  absl::flat_hash_map<std::string_view, User*, TextHash, TextEqual> users_by_name_;
  std::deque<Completed> completed_;
  KeptHandler kept_handler_;
  SpoolHandler spool_handler_;
};

}  // namespace solec

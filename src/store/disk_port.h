// A shard's side of the disk store: it writes requests into rings and runs what has completed. It
// never waits. Called on the shard's thread only; owned by DiskStore.
//
// Bounds. Messages go into a ring; a shard asks HasRoom before a turn's. What does not fit all the
// same (the rest of that turn, requests that must not be lost) waits in overflow_, which is as
// large as one turn's work at most, because the shard then takes in no more.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/limits.h"
#include "store/disk_lane.h"
#include "store/store.h"
#include "store/store_bell.h"

namespace solec {

class DiskPort final : public StorePort {
 public:
  // What all ports share. `full` is set by the writer.
  struct Shared {
    StoreBell writer_bell;
    StoreBell reader_bell;
    RequestList to_reader;
    std::atomic<bool> full{false};
    std::atomic<uint64_t> spool_bytes_max{kUnlimited};  // set by any port
  };

  DiskPort(uint32_t shard, DiskLane* lane, Shared* shared)
      : shard_(shard), lane_(lane), shared_(shared) {}
  ~DiskPort() override;

  bool KeepsAll() const override { return true; }
  bool IsFull() const override { return shared_->full.load(std::memory_order_relaxed); }
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
  void SetSpoolBytesMax(uint64_t bytes) override {
    shared_->spool_bytes_max.store(bytes, std::memory_order_relaxed);
  }
  void LoadPeer(std::string_view peer, StoreDone done) override;
  void ForgetPeer(std::string_view peer) override;
  void SetOutStream(std::string_view peer, uint64_t stream, uint64_t base, StoreDone done) override;
  void SetInStream(std::string_view peer, uint64_t stream, StoreDone done) override;
  void KeepOutgoing(const OutgoingMessages& messages, const KeepTicket& ticket) override;
  void MarkReceived(const ReceivedMessages& messages, const KeepTicket& ticket) override;
  void ReadSpool(std::string_view peer, uint64_t after, size_t bytes_max, StoreDone done) override;
  void TrimSpool(std::string_view peer, uint64_t up_to, StoreDone done) override;
  void Flush() override;
  bool Poll() override;
  bool HasCompletions() const override;
  bool HasRoom() const override;
  bool IsQuiet() const override { return under_way_ == 0; }
  uint64_t ByteCount() const override;

 private:
  // Requests under way at which the shard has no room for more.
  static constexpr uint64_t kRequestsMax = 64 * 1024;
  // A record that grew to so much grows no more: it would only be cut into rows again.
  static constexpr size_t kRunBytesMax = 64 << 10;

  StoreRequest* NewRequest(StoreRequestKind kind, std::string_view name, StoreDone done);
  void ToWriter(StoreRequest* request);
  void ToReader(StoreRequest* request);
  // What a record is made of, as its head says.
  struct Parts {
    std::string_view owner, sender, links;
    Bytes first, second;
    size_t size() const {
      return owner.size() + sender.size() + links.size() + first.size() + second.size();
    }
  };
  // Writes a whole record: into the ring, or behind those that wait for room in it.
  void Write(const RecordHead& head, const Parts& parts);
  // Lets the last record have these messages too, if they go on where it ends.
  bool GrowLast(const RecordHead& head, const Parts& parts);
  void MoveOverflow();
  void Finish(StoreRequest* request);

  const uint32_t shard_;
  DiskLane* const lane_;
  Shared* const shared_;
  KeptHandler kept_handler_;
  SpoolHandler spool_handler_;
  std::string links_;  // reused
  std::deque<std::string> overflow_;  // records
  uint64_t overflow_bytes_ = 0;
  RecordHead* last_ = nullptr;  // the record reserved last, while it may grow
  size_t last_size_ = 0;
  bool urgent_ = false;     // somebody waits for something that is not flushed yet
  bool reads_ = false;      // likewise, for the reader
  uint64_t under_way_ = 0;  // records and requests
};

}  // namespace solec

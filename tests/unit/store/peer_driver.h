// Both stores with two ports each, driven by hand, for tests of what they keep for and from peers.
//
//   PeerDriver<MemoryPeers> or PeerDriver<DiskPeers>
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/disk_store.h"
#include "store/memory_store.h"
#include "tests/unit/store/store_driver.h"

namespace solec {

inline constexpr uint32_t kPeerPorts = 2;

class MemoryPeers {
 public:
  static constexpr bool kKeepsHistory = false;
  MemoryPeers() {
    for (uint32_t i = 0; i < kPeerPorts; ++i) {
      stores_.push_back(std::make_unique<MemoryStore>(1 << 20, &spools_, i));
    }
  }
  StorePort* port(uint32_t shard) { return stores_[shard].get(); }
  void Step() {}
  uint64_t now_ms = 1'700'000'000'000;
  std::vector<uint32_t> woken;

 private:
  MemorySpools spools_{kPeerPorts, 1 << 20, [this](uint32_t shard) { woken.push_back(shard); },
                       [this] { return now_ms; }};
  std::vector<std::unique_ptr<MemoryStore>> stores_;
};

class DiskPeers {
 public:
  static constexpr bool kKeepsHistory = true;
  explicit DiskPeers(DiskStoreOptions options = {}) : options_(std::move(options)) {
    if (options_.path.empty()) {
      options_.path = "/store";
      options_.in_memory = true;
      options_.memory = MakeStoreMemory();
    }
    options_.server_name = "a.example";
    options_.shard_count = kPeerPorts;
    options_.cache_bytes = 1 << 20;
    options_.write_buffer_bytes = 1 << 20;
    options_.now_ms = [this] { return now_ms; };
    options_.wake = [this](uint32_t shard) { woken.push_back(shard); };
    options_.log = [this](std::string_view text) { log.emplace_back(text); };
    Open();
  }
  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<DiskStore>> opened = DiskStore::Open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = std::move(*opened);
  }
  void Close() { store_.reset(); }
  StorePort* port(uint32_t shard) { return store_->port(shard); }
  DiskStore* store() { return store_.get(); }
  DiskStoreOptions& options() { return options_; }
  void Step() {
    store_->RunWriter();
    store_->RunReader();
  }
  uint64_t now_ms = 1'700'000'000'000;
  std::vector<uint32_t> woken;
  std::vector<std::string> log;

 private:
  DiskStoreOptions options_;
  std::unique_ptr<DiskStore> store_;
};

template <class Store>
class PeerDriver : public Store {
 public:
  template <class... Arguments>
  explicit PeerDriver(Arguments&&... arguments) : Store(std::forward<Arguments>(arguments)...) {
    Attach();
  }

  struct Growth {
    std::string peer;
    uint64_t last, first;
    std::vector<std::string> contents;
  };
  struct Kept {
    KeepTicket ticket;
    StoreStatus status;
    uint64_t last_position;
  };

  // Anew after an Open().
  void Attach() {
    for (uint32_t i = 0; i < kPeerPorts; ++i) {
      this->port(i)->SetKeptHandler([this, i](const KeepTicket& ticket, StoreStatus status,
                                              uint64_t last) {
        kept[i].push_back({ticket, status, last});
      });
      this->port(i)->SetSpoolHandler([this, i](const SpoolGrowth& growth) {
        std::vector<std::string> contents = ContentsOfFrames(AsString(growth.frames));
        EXPECT_EQ(contents.size(), growth.count);
        if (growth.count != 0) {
          EXPECT_LE(growth.first + growth.count - 1, growth.last);
        }
        grown[i].push_back(
            {std::string(growth.peer), growth.last, growth.first, std::move(contents)});
      });
    }
  }
  void Reopen() {
    this->Open();
    Attach();
  }

  // Until nothing is under way at any port.
  void Run() {
    const auto quiet = [this] {
      for (uint32_t i = 0; i < kPeerPorts; ++i) {
        if (!this->port(i)->IsQuiet() || this->port(i)->HasCompletions()) return false;
      }
      return true;
    };
    for (uint32_t i = 0; i < kPeerPorts; ++i) this->port(i)->Flush();
    for (int turn = 0; turn < 1'000; ++turn) {
      this->Step();
      for (uint32_t i = 0; i < kPeerPorts; ++i) {
        this->port(i)->Poll();
        this->port(i)->Flush();
      }
      if (quiet()) return;
    }
    ADD_FAILURE() << "the store never comes to rest";
  }

  template <class Ask>
  StoreCompletion Answer(Ask&& ask) {
    StoreCompletion answer;
    int answers = 0;
    ask([&](StoreCompletion& completion) {
      answer = std::move(completion);
      ++answers;
    });
    Run();
    EXPECT_EQ(answers, 1);
    return answer;
  }

  PeerRecord Load(std::string_view peer, uint32_t shard = 0) {
    StoreCompletion loaded =
        Answer([&](StoreDone done) { this->port(shard)->LoadPeer(peer, std::move(done)); });
    EXPECT_EQ(loaded.status, StoreStatus::kDone);
    return loaded.status == StoreStatus::kDone ? std::get<PeerRecord>(loaded.value) : PeerRecord();
  }
  StoreStatus SetOut(std::string_view peer, uint64_t stream, uint64_t base) {
    return Answer([&](StoreDone done) {
             this->port(0)->SetOutStream(peer, stream, base, std::move(done));
           }).status;
  }
  StoreStatus SetIn(std::string_view peer, uint64_t stream) {
    return Answer([&](StoreDone done) {
             this->port(0)->SetInStream(peer, stream, std::move(done));
           }).status;
  }
  SpoolPage Read(std::string_view peer, uint64_t after, size_t bytes_max = SIZE_MAX,
                 uint32_t shard = 0) {
    StoreCompletion read = Answer([&](StoreDone done) {
      this->port(shard)->ReadSpool(peer, after, bytes_max, std::move(done));
    });
    EXPECT_EQ(read.status, StoreStatus::kDone);
    return read.status == StoreStatus::kDone ? std::get<SpoolPage>(read.value) : SpoolPage();
  }
  StoreStatus Trim(std::string_view peer, uint64_t up_to) {
    return Answer([&](StoreDone done) {
             this->port(0)->TrimSpool(peer, up_to, std::move(done));
           }).status;
  }

  // Submitted, and no more.
  void Outgoing(uint32_t shard, std::string_view peer, std::string_view sender,
                const std::vector<std::string>& contents, std::string_view to = "bob") {
    const std::string target = std::string(to) + "@" + std::string(peer);
    std::string frames;
    for (const std::string& content : contents) {
      frames += TestFrame(std::string(sender) + "@a.example", target, content);
    }
    KeepTicket ticket = NewTicket(KeepTicket::Kind::kOutgoing, contents.size());
    const size_t half = frames.size() / 2;
    this->port(shard)->KeepOutgoing({.peer = peer,
                                     .sender = sender,
                                     .target = target,
                                     .first = AsBytes(frames).first(half),
                                     .second = AsBytes(frames).subspan(half)},
                                    ticket);
  }
  StoreStatus Keep(std::string_view peer, const std::vector<std::string>& contents,
                   uint32_t shard = 0) {
    Outgoing(shard, peer, "alice", contents);
    Run();
    return kept[shard].back().status;
  }
  void Post(std::string_view channel, const std::vector<std::string>& contents,
            const std::vector<std::string_view>& peers,
            const std::vector<ReceivedMessages>& received = {}, uint32_t shard = 0) {
    std::string frames;
    for (const std::string& content : contents) {
      frames += TestFrame("alice@a.example", std::string(channel) + "@a.example", content);
    }
    this->port(shard)->KeepChannel(channel, AsBytes(frames), peers, received,
                                   NewTicket(KeepTicket::Kind::kChannel, contents.size()));
  }
  // From bob of the peer to alice.
  void Incoming(uint32_t shard, std::string_view peer, uint64_t number,
                const std::vector<std::string>& contents) {
    const std::string source = "bob@" + std::string(peer);
    std::string frames;
    for (const std::string& content : contents) {
      frames += TestFrame(source, "alice@a.example", content);
    }
    bytes_for_alice += frames.size();
    KeepTicket ticket = NewTicket(KeepTicket::Kind::kDirect, contents.size());
    ticket.number = number;
    this->port(shard)->KeepDirect({.user = "alice",
                                   .sender = source,
                                   .first = AsBytes(frames),
                                   .delivered = {},
                                   .bytes = bytes_for_alice,
                                   .peer = peer},
                                  ticket);
  }
  void Received(uint32_t shard, const ReceivedMessages& messages) {
    this->port(shard)->MarkReceived(messages,
                                    NewTicket(KeepTicket::Kind::kReceived, messages.count));
  }
  void AddAlice() {
    Answer([&](StoreDone done) { this->port(0)->AddUser("alice", "hash", std::move(done)); });
  }

  KeepTicket NewTicket(KeepTicket::Kind kind, size_t count) {
    KeepTicket ticket;
    ticket.kind = kind;
    ticket.count = static_cast<uint32_t>(count);
    ticket.number = ++ticket_number_ * 1'000'000;  // no two of them are neighbours
    return ticket;
  }

  std::vector<Kept> kept[kPeerPorts];
  std::vector<Growth> grown[kPeerPorts];
  uint64_t bytes_for_alice = 0;

 private:
  uint64_t ticket_number_ = 0;
};

}  // namespace solec

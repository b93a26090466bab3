// A disk store without threads, driven by hand: each request is asked and answered at once. For
// tests of what the store does, not of how its threads meet.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "store/disk_store.h"

namespace solec {

// A whole Message frame with this content.
inline std::string TestFrame(std::string_view source, std::string_view target,
                             std::string_view content) {
  std::string payload;
  const auto text = [&payload](std::string_view field) {
    payload.push_back(static_cast<char>(field.size() >> 8));
    payload.push_back(static_cast<char>(field.size()));
    payload += field;
  };
  text(source);
  text(target);
  payload.append(8, '\0');
  text(content);
  std::string frame = "\x05";
  frame.push_back(static_cast<char>(payload.size() >> 8));
  frame.push_back(static_cast<char>(payload.size()));
  return frame + payload;
}

// A run as schema 1 wrote them, of fewer than 128 frames: not packed.
inline std::string PlainRun(size_t count, std::string_view frames) {
  return std::string("\1").append(1, static_cast<char>(count)).append(frames);
}

// The content of a frame or of its payload (the last of its fields).
inline std::vector<std::string> ContentsOfFrames(std::string_view frames) {
  std::vector<std::string> contents;
  while (!frames.empty()) {
    const size_t size = LoadBig<uint16_t>(AsBytes(frames).data() + 1);
    Bytes payload = AsBytes(frames.substr(3, size));
    for (int i = 0; i < 2; ++i) payload = payload.subspan(2u + LoadBig<uint16_t>(payload.data()));
    contents.emplace_back(AsString(payload.subspan(10)));
    frames.remove_prefix(3 + size);
  }
  return contents;
}

struct TestItem {
  uint64_t position;
  std::string content;
  friend bool operator==(const TestItem&, const TestItem&) = default;
};

inline void PrintTo(const TestItem& item, std::ostream* out) {
  *out << item.position << " " << item.content.substr(0, 40);
}

inline std::vector<TestItem> ItemsOf(const HistoryPage& page) {
  std::vector<TestItem> items;
  for (std::string_view rest = page.items; !rest.empty();) {
    const uint8_t* const head = AsBytes(rest).data();
    const size_t size = LoadBig<uint32_t>(head + 8);
    std::string frame = "\x05..";
    StoreBig(reinterpret_cast<uint8_t*>(frame.data()) + 1, static_cast<uint16_t>(size));
    frame += rest.substr(12, size);
    items.push_back({LoadBig<uint64_t>(head), ContentsOfFrames(frame).at(0)});
    rest.remove_prefix(12 + size);
  }
  return items;
}

class StoreDriver {
 public:
  explicit StoreDriver(DiskStoreOptions options = {}) : options_(std::move(options)) {
    if (options_.path.empty()) {
      options_.path = "/store";
      options_.in_memory = true;
      if (options_.memory == nullptr) options_.memory = MakeStoreMemory();
    }
    if (options_.server_name.empty()) options_.server_name = "a.example";
    options_.cache_bytes = 1 << 20;
    options_.write_buffer_bytes = 1 << 20;
    options_.log = [this](std::string_view text) { log_.emplace_back(text); };
    const absl::Status opened = Open();
    EXPECT_TRUE(opened.ok()) << opened;
  }

  absl::Status Open() {
    absl::StatusOr<std::unique_ptr<DiskStore>> opened = DiskStore::Open(options_);
    if (!opened.ok()) return opened.status();
    store_ = std::move(*opened);
    port()->SetKeptHandler([this](const KeepTicket& ticket, StoreStatus status, uint64_t last) {
      kept_.push_back({ticket, status, last});
    });
    return absl::OkStatus();
  }

  // As after a kill: what was not committed is gone.
  void Reopen() {
    store_.reset();
    const absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  void Close() { store_.reset(); }

  StorePort* port(uint32_t shard = 0) { return store_->port(shard); }
  DiskStore* store() { return store_.get(); }
  DiskStoreOptions& options() { return options_; }
  std::vector<std::string>& log() { return log_; }

  // Until nothing is under way.
  void Run() {
    port()->Flush();
    for (int i = 0; i < 1'000 && !port()->IsQuiet(); ++i) {
      store_->RunWriter();
      store_->RunReader();
      port()->Poll();
      port()->Flush();
    }
    EXPECT_TRUE(port()->IsQuiet());
  }

  // Asks, and returns the answer.
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
  template <class Ask>
  StoreStatus Status(Ask&& ask) {
    return Answer(std::forward<Ask>(ask)).status;
  }

  StoreStatus AddUser(std::string_view name) {
    return Status([&](StoreDone done) { port()->AddUser(name, "hash", std::move(done)); });
  }
  StoreStatus AddChannel(std::string_view channel) {
    return Status([&](StoreDone done) { port()->AddChannel(channel, std::move(done)); });
  }
  StoreCompletion LoadUser(std::string_view name) {
    return Answer([&](StoreDone done) { port()->LoadUser(name, std::move(done)); });
  }
  UserRecord User(std::string_view name) {
    StoreCompletion loaded = LoadUser(name);
    EXPECT_EQ(loaded.status, StoreStatus::kDone) << name;
    return loaded.status == StoreStatus::kDone ? std::get<UserRecord>(loaded.value) : UserRecord();
  }

  struct Kept {
    KeepTicket ticket;
    StoreStatus status;
    uint64_t last_position;
  };
  std::vector<Kept>& kept() { return kept_; }

  // Keeps one run of messages with these contents; the position of the last.
  uint64_t Send(std::string_view from, std::string_view to,
                const std::vector<std::string>& contents, InboxMark delivered = {},
                bool waiting_only = false) {
    std::string frames;
    const std::string source =
        std::string(from) + (from.find('@') == from.npos ? "@a.example" : "");
    for (const std::string& content : contents) {
      frames += TestFrame(source, std::string(to) + "@a.example", content);
    }
    DirectMessages messages;
    messages.user = to;
    messages.sender = source;
    messages.first = AsBytes(frames);
    messages.delivered = delivered;
    messages.bytes = bytes_kept_[std::string(to)] += frames.size();
    messages.waiting_only = waiting_only;
    KeepTicket ticket;
    ticket.count = static_cast<uint32_t>(contents.size());
    ticket.number = ++number_;
    port()->KeepDirect(messages, ticket);
    Run();
    EXPECT_EQ(kept_.back().status, StoreStatus::kDone);
    return kept_.back().last_position;
  }
  uint64_t Post(std::string_view from, std::string_view channel,
                const std::vector<std::string>& contents) {
    std::string frames;
    for (const std::string& content : contents) frames += TestFrame(from, channel, content);
    KeepTicket ticket;
    ticket.kind = KeepTicket::Kind::kChannel;
    ticket.count = static_cast<uint32_t>(contents.size());
    ticket.number = ++number_;
    port()->KeepChannel(channel, AsBytes(frames), {}, {}, ticket);
    Run();
    EXPECT_EQ(kept_.back().status, StoreStatus::kDone);
    return kept_.back().last_position;
  }
  // What was kept for the user in all; start of a new account: 0.
  uint64_t& bytes_kept(const std::string& user) { return bytes_kept_[user]; }

  StoreCompletion AskWaiting(std::string_view user, uint64_t after, size_t bytes_max = SIZE_MAX) {
    return Answer(
        [&](StoreDone done) { port()->ReadWaiting(user, after, bytes_max, std::move(done)); });
  }
  WaitingPage Waiting(std::string_view user, uint64_t after, size_t bytes_max = SIZE_MAX) {
    StoreCompletion read = AskWaiting(user, after, bytes_max);
    EXPECT_EQ(read.status, StoreStatus::kDone);
    return read.status == StoreStatus::kDone ? std::get<WaitingPage>(read.value) : WaitingPage();
  }
  StoreCompletion AskHistory(HistoryQuery query) {
    if (query.limit == 0) query.limit = 1'000'000;
    if (query.bytes_max == 0) query.bytes_max = UINT64_MAX;
    return Answer([&](StoreDone done) { port()->ReadHistory(query, std::move(done)); });
  }
  HistoryPage History(const HistoryQuery& query) {
    StoreCompletion read = AskHistory(query);
    EXPECT_EQ(read.status, StoreStatus::kDone);
    return read.status == StoreStatus::kDone ? std::get<HistoryPage>(read.value) : HistoryPage();
  }

 private:
  DiskStoreOptions options_;
  std::vector<std::string> log_;
  std::vector<Kept> kept_;
  std::map<std::string, uint64_t> bytes_kept_;
  uint64_t number_ = 0;
  std::unique_ptr<DiskStore> store_;
};

}  // namespace solec

// The message path allocates nothing once it is warm: every new and malloc of the process is
// counted.

#include <cstdlib>
#include <new>

#include "unit/shard/stage.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern "C" void* __libc_malloc(size_t size);
extern "C" void* __libc_calloc(size_t count, size_t size);
extern "C" void* __libc_realloc(void* old, size_t size);

static thread_local bool counting = false;
static thread_local uint64_t allocation_count = 0;

// glibc lets a program put its own in place of these; operator new comes through malloc.
extern "C" void* malloc(size_t size) {
  if (counting) ++allocation_count;
  return __libc_malloc(size);
}
extern "C" void* calloc(size_t count, size_t size) {
  if (counting) ++allocation_count;
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* old, size_t size) {
  if (counting) ++allocation_count;
  return __libc_realloc(old, size);
}

namespace solec {
namespace {

// The driver, the core and the mailboxes without the simulated network, which allocates freely: an
// I/O whose sends are over at once.
class NullIo {
 public:
  using NativeHandle = uint64_t;
  SocketId Adopt(NativeHandle handle) { return {static_cast<uint32_t>(handle), 0}; }
  NativeHandle Release(SocketId socket) { return socket.index; }
  SocketId Connect(const NetAddress&) { return {}; }
  void Receive(SocketId, ReceiveMode) {}
  void StopReceive(SocketId) {}
  void Send(SocketId socket, std::span<const Bytes> slices) {
    int64_t size = 0;
    for (const Bytes slice : slices) size += static_cast<int64_t>(slice.size());
    sent_[sent_count_++] = {socket, size};
    bytes += static_cast<uint64_t>(size);
  }
  void ShutdownWrite(SocketId) {}
  void Close(SocketId) {}
  void SetTimer(uint64_t) {}
  void Wake(uint32_t) {}
  uint64_t NowNs() const { return now_ns; }
  std::string PeerText(SocketId) const { return "?:0"; }
  uint64_t AckedBytes(SocketId) const { return 0; }
  uint64_t UnackedBytes(SocketId) const { return 0; }
  template <IoHandler H>
  bool Turn(H& handler, bool) {
    now_ns += 1'000'000;
    for (; accepted < accept_wanted; ++accepted) {
      handler.OnAccept(0, SocketId{static_cast<uint32_t>(accepted), 0});
    }
    const size_t over = std::exchange(sent_count_, 0);
    for (size_t i = 0; i < over; ++i) {
      handler.OnSent(sent_[i].socket, sent_[i].size);
    }
    for (size_t i = 0; i < accepted; ++i) {
      if (!input[i].empty())
        handler.OnReceive({static_cast<uint32_t>(i), 0}, std::exchange(input[i], {}));
    }
    return true;
  }

  Bytes input[4];
  size_t accept_wanted = 0, accepted = 0;
  uint64_t now_ns = 1'000'000'000;
  uint64_t bytes = 0;

 private:
  struct Sent {
    SocketId socket;
    int64_t size;
  };
  Sent sent_[64];
  size_t sent_count_ = 0;
};

class NoPasswords final : public PasswordChecker {
 public:
  bool Submit(PasswordCheck) override { return false; }
  void Poll(uint32_t, std::vector<PasswordVerdict>*) override {}
};

TEST(ShardCore, MessagePathAllocatesNothingAfterWarmUp) {
  constexpr uint32_t kShards = 2;
  MailRings rings(kShards, 256 * 1024);
  ConnectionLimits connection_limits;
  NoPasswords passwords;
  Limits limits;
  Policy policy;
  policy.accounts_any = policy.contacts_open = true;
  std::vector<std::unique_ptr<MemoryStore>> stores;
  std::vector<std::unique_ptr<NullIo>> ios;
  std::vector<std::unique_ptr<Shard<NullIo>>> shards;
  for (uint32_t i = 0; i < kShards; ++i) {
    stores.push_back(std::make_unique<MemoryStore>(1 << 20));
    ios.push_back(std::make_unique<NullIo>());
    const ShardEnvironment environment{
        "a.example",  i, 1, limits, policy, &rings, stores[i].get(), &passwords, &connection_limits,
        1'000'000'000};
    shards.push_back(std::make_unique<Shard<NullIo>>(environment, ios[i].get()));
  }
  auto turns = [&](int count) {
    for (int i = 0; i < count; ++i) {
      for (auto& shard : shards) shard->RunTurn(0);
    }
  };
  // Two users on each shard, found by trying names; each is accepted where it lives.
  std::vector<std::string> names[kShards];
  for (int i = 0; names[0].size() < 2 || names[1].size() < 2; ++i) {
    const std::string name = "user" + std::to_string(i);
    auto& there = names[HashText(name, 1) % kShards];
    if (there.size() < 2) there.push_back(name);
  }
  std::string input[kShards][2];
  for (auto& io : ios) io->accept_wanted = 2;
  turns(1);
  auto feed = [&] {
    for (uint32_t i = 0; i < kShards; ++i) {
      for (size_t j = 0; j < 2; ++j) ios[i]->input[j] = AsBytes(input[i][j]);
    }
  };
  for (uint32_t i = 0; i < kShards; ++i) {
    for (size_t j = 0; j < 2; ++j) {
      AppendFrame(Handshake{kVersionMajor, kVersionMinor, kSimFeatures}, &input[i][j]);
      AppendFrame(UserAuth{names[i][j], ""}, &input[i][j]);
      AppendFrame(Join{1, "", "#room"}, &input[i][j]);
    }
  }
  feed();
  turns(20);
  for (uint32_t i = 0; i < kShards; ++i) {
    ASSERT_EQ(shards[i]->core().counters().sessions_now.Get(), 2u);
  }
  auto measure = [&](std::string_view target) {
    for (uint32_t i = 0; i < kShards; ++i) {
      for (size_t j = 0; j < 2; ++j) {
        input[i][j].clear();
        const std::string_view to = !target.empty() ? target : names[i][1 - j];
        for (int k = 0; k < 10; ++k) {
          AppendFrame(Message{"", target == "remote" ? names[1 - i][j] : to, {1}, "some text"},
                      &input[i][j]);
        }
      }
    }
    for (int round = 0; round < 200; ++round) {
      feed();
      turns(3);
    }
    const uint64_t bytes_before = ios[0]->bytes;
    allocation_count = 0;
    counting = true;
    for (int round = 0; round < 200; ++round) {
      feed();
      turns(3);
    }
    counting = false;
    EXPECT_GT(ios[0]->bytes, bytes_before + 200 * 10 * 20);
    return allocation_count;
  };
  EXPECT_EQ(measure(""), 0u) << "to a user of the same shard";
  EXPECT_EQ(measure("remote"), 0u) << "to a user of another shard";
  EXPECT_EQ(measure("#room"), 0u) << "to a channel";
}

}  // namespace
}  // namespace solec

#endif

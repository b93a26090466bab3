// One shard without a kernel: bytes in, a turn, bytes out. What a frame costs between the receive
// that brought it and the send that carries it on. One thread.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "net/connection_driver.h"
#include "proto/codec.h"
#include "shard/shard_core.h"
#include "store/memory_store.h"

namespace solec {

// An I/O on which every send is over at the end of the turn, and nothing is received but by Feed.
class NullIo {
 public:
  using NativeHandle = uint32_t;

  struct Sent {
    SocketId socket;
    int64_t size;
  };

  SocketId Adopt(NativeHandle handle) { return {handle, 0}; }
  NativeHandle Release(SocketId socket) { return socket.index; }
  SocketId Connect(const NetAddress&) { return {}; }
  void Receive(SocketId, ReceiveMode) {}
  void StopReceive(SocketId) {}
  void Send(SocketId socket, std::span<const Bytes> slices) {
    int64_t size = 0;
    for (const Bytes& slice : slices) size += static_cast<int64_t>(slice.size());
    sent_.push_back({socket, size});
  }
  void ShutdownWrite(SocketId) {}
  void Close(SocketId) {}
  void SetTimer(uint64_t) {}
  void Wake(uint32_t) {}
  uint64_t NowNs() const { return kNowNs; }
  std::string PeerText(SocketId) const { return "127.0.0.1:1"; }
  uint64_t AckedBytes(SocketId) const { return 0; }
  uint64_t UnackedBytes(SocketId) const { return 0; }

  // The sends since the last call.
  std::vector<Sent>& sent() { return sent_; }

  static constexpr uint64_t kNowNs = 1'000'000'000;

 private:
  std::vector<Sent> sent_;
};

// accounts = "any" asks for no passwords.
class NoPasswords final : public PasswordChecker {
 public:
  bool Submit(PasswordCheck) override { return false; }
  void Poll(uint32_t, std::vector<PasswordVerdict>*) override {}
};

class ShardFixture {
 public:
  ShardFixture()
      : rings_(1, 1 << 20),
        store_(uint64_t{1} << 30),
        core_(Environment()),
        driver_(&io_, &core_.connections(), &core_) {}

  // A user who has logged in, and joined `channel` unless it is empty.
  SocketId LogIn(std::string_view name, std::string_view channel = "") {
    const SocketId socket = io_.Adopt(next_socket_++);
    driver_.OnAccept(0, socket);
    std::string words;
    AppendFrame(Handshake{.features = kFeatureRequests}, &words);
    AppendFrame(UserAuth{name, "secret"}, &words);
    if (!channel.empty()) AppendFrame(Join{1, "", channel}, &words);
    Feed(socket, AsBytes(words));
    for (int i = 0; i < 8; ++i) Turn();  // the store's answers take a turn each
    return socket;
  }

  void Feed(SocketId socket, Bytes bytes) { driver_.OnReceive(socket, bytes); }

  // What the shard's loop does in a turn, and all sends are over. Returns the bytes sent.
  int64_t Turn() {
    core_.TakeIn();
    core_.GatherTurn();
    driver_.Flush();
    int64_t size = 0;
    sent_.swap(io_.sent());
    for (const NullIo::Sent& each : sent_) {
      size += each.size;
      driver_.OnSent(each.socket, each.size);
    }
    sent_.clear();
    return size;
  }

 private:
  ShardEnvironment Environment() {
    ShardEnvironment environment;
    environment.server_name = "a.example";
    environment.policy.accounts_any = true;
    environment.policy.contacts_open = true;
    environment.rings = &rings_;
    environment.store = &store_;
    environment.passwords = &passwords_;
    environment.connection_limits = &connection_limits_;
    environment.now_ns = NullIo::kNowNs;
    return environment;
  }

  MailRings rings_;
  MemoryStore store_;
  NoPasswords passwords_;
  ConnectionLimits connection_limits_;
  NullIo io_;
  ShardCore core_;
  ConnectionDriver<NullIo, ShardCore> driver_;
  std::vector<NullIo::Sent> sent_;
  uint32_t next_socket_ = 0;
};

}  // namespace solec

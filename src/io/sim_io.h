// The I/O of one shard on a simulated network (see io.h for the rules, and sim_network.h). It is as
// strict as the kernel is careless: bytes given to Send are compared with what they were when the
// Send is over, bytes given to OnReceive are freed after the call, and every call out of order
// aborts.
//
// Turn hands over what has happened, in an order that the seed chooses between sockets, and never
// waits: whoever drives the test calls it only when it has something to do (Runnable), which is
// when the kernel would have let it go on.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "io/io.h"
#include "io/sim_network.h"

namespace solec {

class SimIo {
 public:
  using NativeHandle = uint64_t;  // the connection's number, twice, and 1 if this side dialled

  // `shards`: those of the same server.
  SimIo(SimNetwork* network, std::vector<SimIo*>* shards, uint32_t host = 0)
      : network_(network), shards_(shards), host_(host) {
    network->AddShard(this, host);
  }
  SimIo(const SimIo&) = delete;
  SimIo& operator=(const SimIo&) = delete;

  // --- the concept (io.h) ---
  SocketId Adopt(NativeHandle connection);
  NativeHandle Release(SocketId socket);
  SocketId Connect(const NetAddress& address);
  void Receive(SocketId socket, ReceiveMode mode);
  void StopReceive(SocketId socket);
  void Send(SocketId socket, std::span<const Bytes> slices);
  void ShutdownWrite(SocketId socket);
  void Close(SocketId socket);
  void SetTimer(uint64_t deadline_ns) { deadline_ns_ = deadline_ns; }
  void Wake(uint32_t shard) { (*shards_)[shard]->woken_ = true; }
  uint64_t NowNs() const { return now_ns_; }
  std::string PeerText(SocketId socket) const;
  uint64_t AckedBytes(SocketId socket) const;
  uint64_t UnackedBytes(SocketId socket) const;
  template <IoHandler H>
  bool Turn(H& handler, bool may_sleep);

  // --- for whoever drives the test ---

  void WakeFromOutside() { woken_ = true; }
  // Whether a Turn that may sleep would return now.
  bool Runnable() const;
  uint64_t deadline_ns() const { return deadline_ns_; }
  // Sockets that were not closed or released.
  size_t socket_count() const { return sockets_.size() - free_.size(); }

  // --- for the network ---

  void Dialled(size_t connection, uint64_t at_ns) { dialled_.push_back({connection, at_ns}); }
  // Sends go on as there is room.
  void Progress();

 private:
  static constexpr uint64_t kNoConnection = UINT64_MAX;
  static constexpr size_t kBufferBytes = 16'384;

  struct Socket {
    uint64_t connection = kNoConnection;
    uint32_t generation = 0;
    bool is_client = false;  // this side dialled
    bool connecting = false;
    ReceiveMode mode = ReceiveMode::kOnce;
    bool receiving = false;
    bool stopping = false;
    bool sending = false;
    bool closing = false;
    std::vector<Bytes> slices;  // of the send under way
    std::string sent_bytes;     // what they held when it began
    size_t sent = 0;
  };
  struct Dial {
    size_t connection;
    uint64_t at_ns;
  };

  Socket& At(SocketId id) {
    SOLEC_ASSERT(sockets_[id.index].generation == id.generation);
    return sockets_[id.index];
  }
  SimConnection& ConnectionOf(const Socket& socket) const {
    return network_->connection(socket.connection);
  }
  SimPipe& In(const Socket& socket) const {
    return ConnectionOf(socket).PipeFrom(!socket.is_client);
  }
  SimPipe& Out(const Socket& socket) const {
    return ConnectionOf(socket).PipeFrom(socket.is_client);
  }
  bool IsReset(const Socket& socket) const {
    return ConnectionOf(socket).End(socket.is_client).reset;
  }
  void Forget(uint32_t index);
  bool SendIsOver(const Socket& socket) const;
  bool ReceiveIsDue(const Socket& socket) const;
  bool HasEvent(const Socket& socket) const;
  int64_t FinishSend(Socket* socket);
  void FinishClose(uint32_t index);
  template <IoHandler H>
  void Accept(H& handler);
  template <IoHandler H>
  void ReceiveEvents(H& handler, uint32_t index);
  template <IoHandler H>
  void SocketEvents(H& handler, uint32_t index, uint32_t generation);

  SimNetwork* network_;
  std::vector<SimIo*>* shards_;
  const uint32_t host_;
  std::deque<Socket> sockets_;
  std::vector<uint32_t> free_;
  std::deque<Dial> dialled_;
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t deadline_ns_ = kNoDeadline;
  bool woken_ = false;
};

// --- implementation of the templates ---

template <IoHandler H>
bool SimIo::Turn(H& handler, bool) {
  now_ns_ = network_->now_ns();
  woken_ = false;
  const bool accept_last = network_->random().Percent(50);
  if (!accept_last) Accept(handler);
  // What was asked for within this turn is for the next.
  struct Due {
    uint32_t index;
    uint32_t generation;
  };
  std::vector<Due> due;
  for (uint32_t index = 0; index < sockets_.size(); ++index) {
    if (HasEvent(sockets_[index])) due.push_back({index, sockets_[index].generation});
  }
  for (size_t i = due.size(); i > 1; --i) {
    std::swap(due[i - 1], due[network_->random().Below(i)]);
  }
  for (const Due& event : due) SocketEvents(handler, event.index, event.generation);
  if (accept_last) Accept(handler);
  return !due.empty();
}

template <IoHandler H>
void SimIo::Accept(H& handler) {
  while (!dialled_.empty() && dialled_.front().at_ns <= now_ns_) {
    const size_t connection = dialled_.front().connection;
    dialled_.pop_front();
    handler.OnAccept(0, Adopt(2 * connection));
    if (network_->random().Percent(network_->faults().partial_percent)) break;
  }
}

template <IoHandler H>
void SimIo::SocketEvents(H& handler, uint32_t index, uint32_t generation) {
  const SocketId id{index, generation};
  auto here = [&] { return sockets_[index].generation == generation; };
  if (here() && sockets_[index].connecting && !sockets_[index].closing) {
    sockets_[index].connecting = false;
    handler.OnConnected(id, ConnectionOf(sockets_[index]).error);
  }
  if (here() && sockets_[index].sending && SendIsOver(sockets_[index])) {
    handler.OnSent(id, FinishSend(&sockets_[index]));
  }
  if (here() && sockets_[index].receiving && !sockets_[index].closing &&
      ReceiveIsDue(sockets_[index])) {
    ReceiveEvents(handler, index);
  }
  if (here() && sockets_[index].closing && !sockets_[index].sending) {
    FinishClose(index);
    handler.OnClosed(id);
  }
}

template <IoHandler H>
void SimIo::ReceiveEvents(H& handler, uint32_t index) {
  const SocketId id{index, sockets_[index].generation};
  const SimPipe& in = In(sockets_[index]);
  SimRandom& random = network_->random();
  const bool stopping = sockets_[index].stopping;
  if (!stopping && random.Percent(network_->faults().starved_percent)) return;  // no buffer: later
  do {
    std::string& arrived = In(sockets_[index]).arrived;
    if (arrived.empty()) break;
    size_t size = std::min(arrived.size(), kBufferBytes);
    if (random.Percent(network_->faults().tiny_segment_percent)) size = random.Between(1, size);
    const auto buffer = std::make_unique<uint8_t[]>(size);  // its own, so that late use is seen
    std::copy_n(arrived.begin(), size, buffer.get());
    arrived.erase(0, size);
    handler.OnReceive(id, Bytes(buffer.get(), size));
    if (sockets_[index].generation != id.generation || sockets_[index].closing) return;
    if (sockets_[index].mode == ReceiveMode::kOnce && !stopping) {
      sockets_[index].receiving = false;
      sockets_[index].stopping = false;
      handler.OnReceiveEnd(id, ReceiveEnd::kDone, 0);
      return;
    }
  } while (stopping || !random.Percent(network_->faults().partial_percent));
  if (!in.arrived.empty()) return;
  ReceiveEnd end = ReceiveEnd::kStopped;
  if (in.finish_arrived)
    end = ReceiveEnd::kEof;
  else if (IsReset(sockets_[index]))
    end = ReceiveEnd::kError;
  else if (!stopping)
    return;
  sockets_[index].receiving = false;
  sockets_[index].stopping = false;
  handler.OnReceiveEnd(id, end, end == ReceiveEnd::kError ? ECONNRESET : 0);
}

}  // namespace solec

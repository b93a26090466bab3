#include "io/sim_io.h"

#include <cstring>

namespace solec {

SocketId SimIo::Adopt(NativeHandle handle) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(sockets_.size()));
    sockets_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  sockets_[index].connection = handle / 2;
  sockets_[index].is_client = handle % 2 != 0;
  return {index, sockets_[index].generation};
}

SimIo::NativeHandle SimIo::Release(SocketId id) {
  const Socket& socket = At(id);
  SOLEC_ASSERT(!socket.receiving && !socket.sending && !socket.closing && !socket.connecting);
  const NativeHandle handle = 2 * socket.connection + (socket.is_client ? 1 : 0);
  Forget(id.index);
  return handle;
}

void SimIo::Forget(uint32_t index) {
  const uint32_t generation = sockets_[index].generation + 1;
  sockets_[index] = {};
  sockets_[index].generation = generation;
  free_.push_back(index);
}

SocketId SimIo::Connect(const NetAddress& address) {
  const SocketId id = Adopt(2 * network_->Connect(address, host_) + 1);
  sockets_[id.index].connecting = true;
  return id;
}

void SimIo::Receive(SocketId id, ReceiveMode mode) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.receiving && !socket.closing && !socket.connecting);
  socket.receiving = true;
  socket.stopping = false;
  socket.mode = mode;
}

void SimIo::StopReceive(SocketId id) {
  Socket& socket = At(id);
  if (socket.receiving) socket.stopping = true;
}

void SimIo::Send(SocketId id, std::span<const Bytes> slices) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.sending && !socket.closing && !socket.connecting);
  SOLEC_ASSERT(!slices.empty() && slices.size() <= kIoSlicesMax);
  socket.sending = true;
  socket.sent = 0;
  socket.sent_bytes.clear();
  socket.slices.assign(slices.begin(), slices.end());
  for (const Bytes slice : slices) {
    SOLEC_ASSERT(!slice.empty());
    socket.sent_bytes.append(AsString(slice));
  }
}

void SimIo::ShutdownWrite(SocketId id) {
  network_->Finish(&Out(At(id)));
}

void SimIo::Close(SocketId id) {
  Socket& socket = At(id);
  SOLEC_ASSERT(!socket.closing);
  socket.closing = true;
}

void SimIo::FinishClose(uint32_t index) {
  network_->Close(&ConnectionOf(sockets_[index]), sockets_[index].is_client);
  Forget(index);
}

std::string SimIo::PeerText(SocketId id) const {
  // As many addresses as fit a test of the limit per address: one for each four connections.
  const uint64_t connection = sockets_[id.index].connection;
  return "10.0.0." + std::to_string(connection / 4 % 250) + ":" + std::to_string(connection + 1024);
}

uint64_t SimIo::AckedBytes(SocketId id) const {
  return Out(sockets_[id.index]).bytes_arrived;
}

uint64_t SimIo::UnackedBytes(SocketId id) const {
  const SimPipe& out = Out(sockets_[id.index]);
  return out.bytes_sent - out.bytes_arrived;
}

void SimIo::Progress() {
  for (Socket& socket : sockets_) {
    if (!socket.sending || socket.closing || socket.sent == socket.sent_bytes.size()) continue;
    if (IsReset(socket)) continue;
    const Bytes rest = AsBytes(socket.sent_bytes).subspan(socket.sent);
    const size_t taken = network_->Push(&Out(socket), rest);
    SimConnection& connection = ConnectionOf(socket);
    if (connection.client.host == kNoHost) connection.down_log.append(AsString(rest.first(taken)));
    socket.sent += taken;
  }
}

bool SimIo::SendIsOver(const Socket& socket) const {
  return socket.closing || socket.sent == socket.sent_bytes.size() ||
         IsReset(socket);
}

// What the slices hold must not have changed: the kernel may read them until the end.
int64_t SimIo::FinishSend(Socket* socket) {
  size_t at = 0;
  for (const Bytes slice : socket->slices) {
    SOLEC_ASSERT(std::memcmp(slice.data(), socket->sent_bytes.data() + at, slice.size()) == 0);
    at += slice.size();
  }
  socket->sending = false;
  if (socket->sent != 0) return static_cast<int64_t>(socket->sent);
  return socket->closing ? -ECANCELED : -ECONNRESET;
}

bool SimIo::ReceiveIsDue(const Socket& socket) const {
  const SimPipe& in = In(socket);
  return socket.stopping || !in.arrived.empty() || in.finish_arrived || IsReset(socket);
}

bool SimIo::HasEvent(const Socket& socket) const {
  if (socket.connection == kNoConnection) return false;
  return socket.closing || (socket.connecting && ConnectionOf(socket).answered) ||
         (socket.sending && SendIsOver(socket)) ||
         (socket.receiving && ReceiveIsDue(socket));
}

bool SimIo::Runnable() const {
  const uint64_t now_ns = network_->now_ns();
  if (woken_ || deadline_ns_ <= now_ns) return true;
  if (!dialled_.empty() && dialled_.front().at_ns <= now_ns) return true;
  for (const Socket& socket : sockets_) {
    if (HasEvent(socket)) return true;
  }
  return false;
}

}  // namespace solec

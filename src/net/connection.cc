#include "net/connection.h"

#include <algorithm>
#include <cstring>

namespace solec {

ConnectionTable::~ConnectionTable() {
  ForEach([this](Connection& connection) { Free(&connection); });
}

Connection* ConnectionTable::Create(SocketId socket) {
  while (socket.index >= slot_count_) {
    chunks_.push_back(std::make_unique<Connection[]>(kChunkSize));
    slot_count_ += kChunkSize;
  }
  Connection* connection = &At(socket.index);
  SOLEC_ASSERT(connection->state == ConnectionState::kFree);
  connection->socket = socket;
  connection->state = ConnectionState::kLogin;
  ++count_;
  return connection;
}

void ConnectionTable::Free(Connection* connection) {
  connection->output.Clear(buffers_);
  connection->tls.reset();
  DropInput(connection);
  timers_.Cancel(connection->socket.index);
  const bool dirty = connection->dirty, resume_queued = connection->resume_queued;
  std::destroy_at(connection);
  std::construct_at(connection);
  // It may still stand on a list of this turn; whoever has its index next must not get on it twice.
  connection->dirty = dirty;
  connection->resume_queued = resume_queued;
  --count_;
}

const ConnectionTable::Dialling* ConnectionTable::DialOf(const Connection& connection) const {
  for (const Dialling& each : dialling_) {
    if (each.index == connection.socket.index) return &each;
  }
  return nullptr;
}

uint64_t ConnectionTable::TakeDialTag(const Connection& connection) {
  const auto found = std::find_if(
      dialling_.begin(), dialling_.end(),
      [&](const Dialling& each) { return each.index == connection.socket.index; });
  SOLEC_ASSERT(found != dialling_.end());
  const uint64_t tag = found->tag;
  *found = dialling_.back();
  dialling_.pop_back();
  return tag;
}

void ConnectionTable::Unhold(Connection* connection, HoldReason reason) {
  if ((connection->holds & reason) == 0) return;
  connection->holds = static_cast<uint8_t>(connection->holds & ~reason);
  if (connection->holds != 0 || connection->resume_queued) return;
  connection->resume_queued = true;
  resumed_.push_back(connection->socket.index);
}

void ConnectionTable::End(Connection* connection, CloseReason reason, ErrorCode code) {
  const bool goes_on = connection->live() || connection->state == ConnectionState::kMoving ||
                       connection->state == ConnectionState::kDialling;
  if (!goes_on) return;
  connection->state = ConnectionState::kEnding;
  connection->close_reason = reason;
  connection->close_code = code;
  ending_.push_back(connection->socket.index);
}

void ConnectionTable::Move(Connection* connection, uint32_t shard) {
  SOLEC_ASSERT(connection->state == ConnectionState::kLogin);
  connection->state = ConnectionState::kMoving;
  connection->move_to = static_cast<uint16_t>(shard);
  moving_.push_back(connection->socket.index);
}

void ConnectionTable::KeepInput(Connection* connection, Bytes bytes, size_t capacity_hint) {
  const size_t size = connection->held_size + bytes.size();
  if (size > connection->held_capacity) {
    const size_t capacity = BufferPool::RoundUp(std::max(size, capacity_hint));
    uint8_t* buffer = buffers_->Take(capacity);
    if (connection->held != nullptr) {
      std::memcpy(buffer, connection->held, connection->held_size);
      buffers_->Give(connection->held, connection->held_capacity);
    }
    connection->held = buffer;
    connection->held_capacity = static_cast<uint32_t>(capacity);
  }
  if (!bytes.empty()) {
    std::memcpy(connection->held + connection->held_size, bytes.data(), bytes.size());
  }
  connection->held_size = static_cast<uint32_t>(size);
}

void ConnectionTable::DropInput(Connection* connection) {
  if (connection->held != nullptr) buffers_->Give(connection->held, connection->held_capacity);
  connection->held = nullptr;
  connection->held_size = connection->held_capacity = 0;
}

}  // namespace solec

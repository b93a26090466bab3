#include "io/sim_network.h"

#include <algorithm>

#include "io/sim_io.h"

namespace solec {

size_t SimNetwork::Dial(uint32_t shard) {
  connections_.push_back(std::make_unique<SimConnection>());
  shards_[shard]->Dialled(connections_.size() - 1, Later());
  return connections_.size() - 1;
}

void SimNetwork::ForgetShards() {
  shards_.clear();
  for (const auto& connection : connections_) {
    if (!connection->server_closed) CloseByServer(connection.get());
  }
}

uint64_t SimNetwork::Later() {
  const uint64_t at_ns = now_ns_ + random_.Below(faults_.delay_ns_max + 1);
  NoteTime(at_ns);
  return at_ns;
}

void SimNetwork::AdvanceTo(uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  while (!times_.empty() && times_.top() <= now_ns_) times_.pop();
}

uint64_t SimNetwork::Room(const SimPipe& pipe) const {
  const uint64_t used = pipe.bytes_under_way + pipe.arrived.size();
  return used >= faults_.socket_buffer_bytes ? 0 : faults_.socket_buffer_bytes - used;
}

size_t SimNetwork::Push(SimPipe* pipe, Bytes bytes) {
  const size_t whole = std::min<size_t>(bytes.size(), Room(*pipe));
  for (Bytes rest = bytes.first(whole); !rest.empty();) {
    const bool tiny = random_.Percent(faults_.tiny_segment_percent);
    const size_t limit = tiny ? 8 : faults_.segment_bytes_max;
    const size_t size = std::min<size_t>(rest.size(), random_.Between(1, limit));
    pipe->last_at_ns = std::max(pipe->last_at_ns, Later());
    pipe->under_way.push_back({pipe->last_at_ns, std::string(AsString(rest.first(size)))});
    pipe->bytes_under_way += size;
    rest = rest.subspan(size);
  }
  return whole;
}

void SimNetwork::Finish(SimPipe* pipe) {
  if (pipe->finished) return;
  pipe->finished = true;
  pipe->last_at_ns = std::max(pipe->last_at_ns, Later());
}

void SimNetwork::ResetByClient(SimConnection* connection) {
  connection->up.under_way.clear();
  connection->up.bytes_under_way = 0;
  connection->up.finished = false;
  connection->reset_at_ns = std::min(connection->reset_at_ns, Later());
}

// As the kernel does: input that nobody read, or that comes later, makes it a reset, and a reset
// may overtake what the client has not read yet.
void SimNetwork::CloseByServer(SimConnection* connection) {
  connection->server_closed = true;
  if (connection->up.arrived.empty()) {
    Finish(&connection->down);
  } else {
    connection->down_reset_at_ns = Later();
  }
}

void SimNetwork::Arrive(SimPipe* pipe) {
  while (!pipe->under_way.empty() && pipe->under_way.front().at_ns <= now_ns_) {
    const std::string& bytes = pipe->under_way.front().bytes;
    pipe->arrived += bytes;
    pipe->bytes_arrived += bytes.size();
    pipe->bytes_under_way -= bytes.size();
    pipe->under_way.pop_front();
  }
  if (pipe->finished && pipe->under_way.empty() && pipe->last_at_ns <= now_ns_) {
    pipe->finish_arrived = true;
  }
}

void SimNetwork::Progress() {
  for (const auto& connection : connections_) {
    if (!connection->vanished) Arrive(&connection->down);
    Arrive(&connection->up);
    if (connection->server_closed && !connection->up.arrived.empty()) {
      connection->up.arrived.clear();
      connection->down_reset_at_ns = std::min(connection->down_reset_at_ns, Later());
    }
    if (connection->client_closed && !connection->down.arrived.empty()) {
      connection->down.arrived.clear();
      if (connection->reset_at_ns == UINT64_MAX) connection->reset_at_ns = Later();
    }
    if (!connection->vanished && connection->reset_at_ns <= now_ns_) {
      connection->reset_at_server = true;
    }
    if (!connection->vanished && connection->down_reset_at_ns <= now_ns_) {
      connection->reset_at_client = true;
    }
  }
  for (SimIo* io : shards_) io->Progress();
}

// --- the client's end ---

bool SimClient::Ready() const {
  if (gone_) return false;
  const SimConnection& c = connection();
  if (c.reset_at_client) return !ended_;
  const bool can_write = !output_.empty() && network_->Room(c.up) != 0;
  const bool can_finish = finish_wanted_ && output_.empty() && !c.up.finished;
  const bool can_read = reading && (!c.down.arrived.empty() || (c.down.finish_arrived && !ended_));
  return can_write || can_finish || can_read;
}

void SimClient::Step() {
  if (!Ready()) return;
  SimConnection& c = connection();
  SimRandom& random = network_->random();
  if (c.reset_at_client) {
    ended_ = true;
    output_.clear();
    return;
  }
  if (!output_.empty()) {
    size_t size = output_.size();
    if (random.Percent(network_->faults().partial_percent)) size = random.Between(1, size);
    output_.erase(0, network_->Push(&c.up, AsBytes(output_).first(size)));
  }
  if (finish_wanted_ && output_.empty()) network_->Finish(&c.up);
  if (reading && !c.down.arrived.empty()) {
    size_t size = c.down.arrived.size();
    if (random.Percent(network_->faults().partial_percent)) size = random.Between(1, size);
    input.append(c.down.arrived, 0, size);
    c.down.arrived.erase(0, size);
  }
  if (reading && c.down.arrived.empty() && c.down.finish_arrived) ended_ = true;
}

void SimClient::FinishWriting() {
  finish_wanted_ = true;
}

void SimClient::Close() {
  if (gone_) return;
  gone_ = true;
  SimConnection& c = connection();
  c.client_closed = true;
  output_.clear();
  if (c.down.arrived.empty())
    network_->Finish(&c.up);
  else
    network_->ResetByClient(&c);
}

void SimClient::Reset() {
  if (gone_) return;
  gone_ = true;
  connection().client_closed = true;
  output_.clear();
  network_->ResetByClient(&connection());
}

void SimClient::Vanish() {
  if (gone_) return;
  gone_ = true;
  connection().vanished = true;
  output_.clear();
}

}  // namespace solec

#include "io/sim_network.h"

#include <algorithm>
#include <cerrno>

#include "io/sim_io.h"

namespace solec {

void SimNetwork::AddShard(SimIo* io, uint32_t host) {
  if (host >= hosts_.size()) hosts_.resize(host + 1);
  hosts_[host].push_back(io);
}

void SimNetwork::ForgetHost(uint32_t host) {
  hosts_[host].clear();
  for (const auto& connection : connections_) {
    for (const bool of_client : {false, true}) {
      const SimEnd& end = connection->End(of_client);
      if (end.host == host && !end.closed) Close(connection.get(), of_client);
    }
  }
}

void SimNetwork::Heal(uint32_t a, uint32_t b) {
  severed_.erase(std::minmax(a, b));
  NoteTime(now_ns_);
}

size_t SimNetwork::Dial(uint32_t shard, uint32_t host) {
  connections_.push_back(std::make_unique<SimConnection>());
  connections_.back()->server.host = host;
  hosts_[host][shard]->Dialled(connections_.size() - 1, Later());
  return connections_.size() - 1;
}

size_t SimNetwork::Connect(const NetAddress& address, uint32_t host) {
  connections_.push_back(std::make_unique<SimConnection>());
  SimConnection& connection = *connections_.back();
  connection.client.host = host;
  connection.address = address;
  const auto listener = listeners_.find(address.port);
  if (listener != listeners_.end()) connection.server.host = listener->second;
  const auto delay = delays_.find(std::minmax(host, connection.server.host));
  if (delay != delays_.end()) {
    connection.up.delay_ns_max = connection.down.delay_ns_max = delay->second;
  }
  if (!swallowing_.contains(address.port)) connection.asked_at_ns = Later();
  return connections_.size() - 1;
}

// What was asked for has reached the host.
void SimNetwork::AnswerDial(size_t number) {
  SimConnection& connection = *connections_[number];
  connection.asked_at_ns = UINT64_MAX;
  connection.answered_at_ns = Later();
  const uint32_t host = connection.server.host;
  if (host == kNoHost || host >= hosts_.size() || hosts_[host].empty()) {
    connection.error = ECONNREFUSED;
    connection.server.closed = true;
    return;
  }
  hosts_[host][random_.Below(hosts_[host].size())]->Dialled(number, now_ns_);
}

bool SimNetwork::IsSevered(const SimConnection& connection) const {
  return !severed_.empty() &&
         severed_.contains(std::minmax(connection.client.host, connection.server.host));
}

uint64_t SimNetwork::Later(uint64_t delay_ns_max) {
  const uint64_t limit_ns = delay_ns_max == 0 ? faults_.delay_ns_max : delay_ns_max;
  const uint64_t at_ns = now_ns_ + random_.Below(limit_ns + 1);
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
    pipe->last_at_ns = std::max(pipe->last_at_ns, Later(pipe->delay_ns_max));
    pipe->under_way.push_back({pipe->last_at_ns, std::string(AsString(rest.first(size)))});
    pipe->bytes_under_way += size;
    pipe->bytes_sent += size;
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
  connection->server.reset_at_ns = std::min(connection->server.reset_at_ns, Later());
}

// As the kernel does: input that nobody read, or that comes later, makes it a reset, and a reset
// may overtake what the other side has not read yet.
void SimNetwork::Close(SimConnection* connection, bool by_client) {
  connection->End(by_client).closed = true;
  if (connection->PipeFrom(!by_client).arrived.empty()) {
    Finish(&connection->PipeFrom(by_client));
  } else {
    connection->End(!by_client).reset_at_ns = Later();
  }
}

void SimNetwork::Cut(SimConnection* connection) {
  connection->cut = true;
  for (SimEnd* end : {&connection->client, &connection->server}) {
    end->reset_at_ns = std::min(end->reset_at_ns, Later());
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

void SimNetwork::ProgressOf(SimConnection* connection) {
  for (SimPipe* pipe : {&connection->down, &connection->up}) {
    if (connection->cut) {
      pipe->under_way.clear();
      pipe->bytes_under_way = 0;
    } else if (pipe == &connection->up || !connection->vanished) {
      Arrive(pipe);
    }
  }
  for (const bool of_client : {false, true}) {
    std::string& arrived = connection->PipeFrom(!of_client).arrived;
    if (!connection->End(of_client).closed || arrived.empty()) continue;
    arrived.clear();
    SimEnd& sender = connection->End(!of_client);
    if (sender.reset_at_ns == UINT64_MAX) sender.reset_at_ns = Later();
  }
  if (connection->vanished) return;
  for (SimEnd* end : {&connection->client, &connection->server}) {
    if (end->reset_at_ns <= now_ns_) end->reset = true;
  }
}

void SimNetwork::Progress() {
  for (size_t number = 0; number < connections_.size(); ++number) {
    SimConnection& connection = *connections_[number];
    if (IsSevered(connection)) continue;
    if (connection.asked_at_ns <= now_ns_) AnswerDial(number);
    if (connection.answered_at_ns <= now_ns_) connection.answered = true;
    ProgressOf(&connection);
  }
  for (const auto& shards : hosts_) {
    for (SimIo* io : shards) io->Progress();
  }
}

// --- the client's end ---

bool SimClient::Ready() const {
  if (gone_) return false;
  const SimConnection& c = connection();
  if (c.client.reset) return !ended_;
  const bool can_write = !output_.empty() && network_->Room(c.up) != 0;
  const bool can_finish = finish_wanted_ && output_.empty() && !c.up.finished;
  const bool can_read = reading && (!c.down.arrived.empty() || (c.down.finish_arrived && !ended_));
  return can_write || can_finish || can_read;
}

void SimClient::Step() {
  if (!Ready()) return;
  SimConnection& c = connection();
  SimRandom& random = network_->random();
  if (c.client.reset) {
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
  c.client.closed = true;
  output_.clear();
  if (c.down.arrived.empty())
    network_->Finish(&c.up);
  else
    network_->ResetByClient(&c);
}

void SimClient::Reset() {
  if (gone_) return;
  gone_ = true;
  connection().client.closed = true;
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

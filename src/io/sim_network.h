// A network in memory for tests: the shards of one server or several (hosts), and all clients, one
// thread, one seed. Bytes travel in segments that are cut anywhere and take their time, in order
// within one connection and in any order between two; socket buffers fill up; connections are
// reset, or their peer vanishes; hosts refuse connections, do not answer, or are severed from each
// other for a while.
//
// The clock stands still while anybody can run, and is moved by whoever drives the test.
// Connections stay, with all that was ever sent to the client, until the network goes: checkers
// look at them afterwards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/net_address.h"
#include "io/sim_random.h"

namespace solec {

class SimIo;

struct SimFaults {
  uint64_t delay_ns_max = 2'000'000;  // of a segment
  uint64_t segment_bytes_max = 1'400;
  uint64_t tiny_segment_percent = 20;     // segments of 1 to 8 bytes
  uint64_t socket_buffer_bytes = 16'384;  // of each direction: under way, or arrived and not read
  uint64_t partial_percent = 30;          // reads and writes that do less than they could
  uint64_t starved_percent = 5;           // turns in which a receive finds no buffer
};

// One direction of a connection.
struct SimPipe {
  struct Segment {
    uint64_t at_ns;
    std::string bytes;
  };
  std::deque<Segment> under_way;
  std::string arrived;  // and not read
  uint64_t delay_ns_max = 0;  // 0: the network's
  uint64_t bytes_under_way = 0;
  uint64_t bytes_sent = 0;     // ever
  uint64_t bytes_arrived = 0;  // ever
  uint64_t last_at_ns = 0;     // nothing overtakes within a connection
  bool finished = false;       // the sender will send no more
  bool finish_arrived = false;
};

// A server's place on the network, or nobody's: a script's.
inline constexpr uint32_t kNoHost = UINT32_MAX;

// One side of a connection.
struct SimEnd {
  uint32_t host = kNoHost;
  uint64_t reset_at_ns = UINT64_MAX;  // when it learns that the connection is broken
  bool reset = false;                 // it has learnt it
  bool closed = false;                // it reads no more: what still comes is answered by a reset
};

// The client is whoever dialled: a script (SimClient), or another server.
struct SimConnection {
  SimPipe up, down;      // to the server, to the client
  SimEnd client, server;
  std::string down_log;  // every byte that the server's socket took; of a script's connection only
  bool vanished = false;  // nothing comes from the client any more, not even a reset
  bool cut = false;       // nothing gets through any more, both ways
  // Of a server's dial: where to, and what came of it.
  NetAddress address;
  uint64_t asked_at_ns = UINT64_MAX;     // when the other host learns of it
  uint64_t answered_at_ns = UINT64_MAX;  // when the dialler learns what came of it
  bool answered = false;
  int error = 0;

  SimPipe& PipeFrom(bool from_client) { return from_client ? up : down; }
  SimEnd& End(bool of_client) { return of_client ? client : server; }
};

class SimNetwork {
 public:
  SimNetwork(uint64_t seed, const SimFaults& faults) : random_(seed), faults_(faults) {}

  // Hosts are numbered as one likes, from 0, without large gaps.
  void AddShard(SimIo* io, uint32_t host);
  // The server's process is gone: the kernel closes what it had open, and refuses what comes.
  // Shards are added anew.
  void ForgetHost(uint32_t host);
  // Who dials this address reaches one of that host's shards. What nobody listens on refuses.
  void Listen(const NetAddress& address, uint32_t host) { listeners_[address.port] = host; }
  // Nothing ever answers there.
  void Swallow(const NetAddress& address) { swallowing_.insert(address.port); }
  // Nothing passes between the two from now on; until it is undone: all goes on where it stood.
  void Sever(uint32_t a, uint32_t b) { severed_.insert(std::minmax(a, b)); }
  void Heal(uint32_t a, uint32_t b);
  // Segments of later connections between the two take up to so long.
  void SetDelay(uint32_t a, uint32_t b, uint64_t delay_ns_max) {
    delays_[std::minmax(a, b)] = delay_ns_max;
  }
  // Both ends learn that the connection is broken; what is under way is lost.
  void Cut(SimConnection* connection);

  // A client dials: a shard accepts it a little later. Returns the connection's number.
  size_t Dial(uint32_t shard, uint32_t host = 0);
  // A server dials.
  size_t Connect(const NetAddress& address, uint32_t host);
  SimConnection& connection(size_t number) { return *connections_[number]; }
  size_t connection_count() const { return connections_.size(); }
  const SimFaults& faults() const { return faults_; }
  SimRandom& random() { return random_; }

  uint64_t now_ns() const { return now_ns_; }
  // When something happens next by itself; UINT64_MAX: never.
  uint64_t NextNs() const { return times_.empty() ? UINT64_MAX : times_.top(); }
  // Has the driver wait no longer than until then.
  void NoteTime(uint64_t at_ns) { times_.push(at_ns); }
  void AdvanceTo(uint64_t now_ns);

  // Lets everything arrive that is due, and lets sends go on.
  void Progress();

  // --- for both ends of a connection ---

  uint64_t Room(const SimPipe& pipe) const;
  // Puts as much of `bytes` under way as there is room for, cut into segments; how much it was.
  size_t Push(SimPipe* pipe, Bytes bytes);
  void Finish(SimPipe* pipe);
  // The client breaks the connection: what is under way is lost.
  void ResetByClient(SimConnection* connection);
  void Close(SimConnection* connection, bool by_client);
  // Some delay, noted.
  uint64_t Later(uint64_t delay_ns_max = 0);

 private:
  bool IsSevered(const SimConnection& connection) const;
  void AnswerDial(size_t number);
  void Arrive(SimPipe* pipe);
  void ProgressOf(SimConnection* connection);

  SimRandom random_;
  const SimFaults faults_;
  uint64_t now_ns_ = 1'000'000'000;
  std::vector<std::vector<SimIo*>> hosts_;  // their shards
  std::map<uint16_t, uint32_t> listeners_;  // by port: addresses of a test differ in that
  std::set<uint16_t> swallowing_;
  std::set<std::pair<uint32_t, uint32_t>> severed_;  // the lower first
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> delays_;
  std::vector<std::unique_ptr<SimConnection>> connections_;
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<uint64_t>> times_;
};

// The client's end of a connection, for scripts.
class SimClient {
 public:
  SimClient(SimNetwork* network, uint32_t shard, uint32_t host = 0)
      : network_(network), number_(network->Dial(shard, host)) {}

  // Queues bytes; they leave as there is room.
  void Write(Bytes bytes) { output_.append(AsString(bytes)); }
  // Whether Step would do anything.
  bool Ready() const;
  // Sends and reads some. What was read is behind what `input` held.
  void Step();

  std::string input;
  bool reading = true;  // false: what arrives stays in the socket's buffer

  void FinishWriting();  // after what is queued
  void Close();          // like close(2): reads no more
  void Reset();
  void Vanish();  // as if the cable was cut

  bool all_written() const { return output_.empty(); }
  bool ended() const { return ended_; }  // the server finished, or it is over some other way
  bool was_reset() const { return connection().client.reset; }
  bool gone() const { return gone_; }  // ended by this side
  SimConnection& connection() const { return network_->connection(number_); }

 private:
  SimNetwork* network_;
  size_t number_;
  std::string output_;
  bool finish_wanted_ = false;
  bool ended_ = false;
  bool gone_ = false;
};

}  // namespace solec

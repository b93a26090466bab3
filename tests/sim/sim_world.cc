#include "sim/sim_world.h"

#include <algorithm>

#include "sim/sim_session.h"

namespace solec {

SimServerOptions SimWorld::FirstOf(const SimOptions& options) {
  SimServerOptions server;
  server.shard_count = options.shard_count;
  server.limits = options.limits;
  server.policy = options.policy;
  server.ring_bytes = options.ring_bytes;
  server.password_delay_ns_max = options.password_delay_ns_max;
  server.durable = options.durable;
  server.commit_delay_ns_max = options.commit_delay_ns_max;
  return server;
}

SimWorld::SimWorld(const SimOptions& options)
    : SimWorld(options.seed, options.faults, {FirstOf(options)}) {}

SimWorld::SimWorld(uint64_t seed, const SimFaults& faults,
                   const std::vector<SimServerOptions>& servers)
    : network_(seed, faults) {
  assert_context.seed = seed;
  for (const SimServerOptions& options : servers) {
    const auto host = static_cast<uint32_t>(servers_.size());
    network_.Listen(*ParseNetAddress(AddressOf(host)), host);
    servers_.push_back(std::make_unique<SimServer>(&network_, options, host, &problem_));
  }
}

std::string SimWorld::AddressOf(size_t server) {
  return "127.0.0.1:" + std::to_string(7653 + server);
}

ControlReply SimWorld::Control(ControlKind kind, const std::string& name,
                               const std::string& argument, size_t server) {
  const std::string& key = kind == ControlKind::kChannelJoin ? argument : name;
  return Ask(server, servers_[server]->ShardOf(key), {kind, name, argument});
}

ControlReply SimWorld::Ask(size_t server, uint32_t shard, const ControlRequest& request) {
  const auto reply = std::make_shared<ControlReply>();
  const auto done = std::make_shared<bool>(false);
  servers_[server]->Submit(shard, [=](ShardCore& core) {
    core.Control(request, [reply, done](ControlReply answer) {
      *reply = std::move(answer);
      *done = true;
    });
  });
  RunUntil([done] { return *done; });
  return *reply;
}

void SimWorld::AddUser(const std::string& name, size_t server) {
  Control(ControlKind::kUserAdd, name, "hash:secret", server);
}

void SimWorld::AddContacts(const std::string& a, const std::string& b) {
  Control(ControlKind::kContactAdd, a, b);
  Control(ControlKind::kContactAdd, b, a);
}

void SimWorld::JoinChannel(const std::string& user, const std::string& channel) {
  Control(ControlKind::kChannelJoin, channel, user);
}

// --- time ---

uint64_t SimWorld::NextNs() const {
  uint64_t next = network_.NextNs();
  for (const auto& server : servers_) next = std::min(next, server->NextNs());
  return next;
}

bool SimWorld::Step() {
  ++steps_;
  network_.Progress();
  // Few enough to count them all.
  size_t ready = 0;
  for (const auto& server : servers_) {
    server->Progress();
    ready += server->ReadyCount();
  }
  for (const SimSession* session : sessions_) ready += session->Ready() ? 1 : 0;
  if (ready == 0) {
    for (const auto& server : servers_) server->CheckSleepers();
    const uint64_t next = NextNs();
    if (!problem_.empty() || next == UINT64_MAX) return false;
    network_.AdvanceTo(next);
    return true;
  }
  size_t chosen = network_.random().Below(ready);
  for (const auto& server : servers_) {
    const size_t count = server->ReadyCount();
    if (chosen < count) {
      server->StepShard(chosen);
      return true;
    }
    chosen -= count;
  }
  for (SimSession* session : sessions_) {
    if (session->Ready() && chosen-- == 0) {
      session->Step();
      return true;
    }
  }
  return true;
}

bool SimWorld::RunUntil(const std::function<bool()>& done, uint64_t ns_max) {
  const uint64_t end_ns = now_ns() + ns_max;
  const uint64_t steps_end = steps_ + kStepsMax;
  while (!done()) {
    if (!Step()) {
      if (problem_.empty()) problem_ = "nothing happens any more";
      return false;
    }
    if (now_ns() > end_ns || steps_ > steps_end) {
      problem_ = steps_ > steps_end ? "a shard spins without end" : "too much time has passed";
      return false;
    }
  }
  return true;
}

void SimWorld::RunFor(uint64_t ns) {
  const uint64_t end_ns = now_ns() + ns;
  network_.NoteTime(end_ns);
  const uint64_t steps_end = steps_ + kStepsMax;
  while (now_ns() < end_ns && Step()) {
    if (steps_ <= steps_end) continue;
    problem_ = "a shard spins without end";
    return;
  }
}

void SimWorld::Leave(SimSession* session) {
  std::erase(sessions_, session);
}

}  // namespace solec

// The peers that live on this shard: from the configuration, from the store, and what is due for
// them at a time: dials, pings, trims, ages. How a link is made and used: core_links.cc.

#include <algorithm>

#include "shard/shard_core.h"

namespace solec {

// A link that lasted for so long was a good one: the next dial does not wait longer than the first.
static constexpr uint64_t kLastedNs = 10'000'000'000;
// What the store could not say is asked again.
static constexpr uint64_t kLoadAgainNs = 1'000'000'000;
// Without receipts, how often TCP is asked what has arrived.
static constexpr uint64_t kLookNs = 200'000'000;

uint64_t ShardCore::Random() {
  random_state_ += 0x9e3779b97f4a7c15;  // splitmix64
  uint64_t mixed = random_state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

// --- the configuration ---

void ShardCore::ConfigurePeers(const std::vector<PeerEntry>& entries) {
  peers_.clear();
  for (const PeerEntry& entry : entries) peers_.emplace(entry.name, entry);
  peers_here_.ForEach([this](Handle<Peer>, Peer& peer) {
    if (!peers_.contains(peer.name)) RemovePeer(&peer);
  });
  // In the order of the configuration: what is asked of the store and of the network is the same
  // in each run.
  for (const PeerEntry& entry : entries) {
    if (ShardOf(entry.name) != shard_) continue;
    if (Peer* peer = peers_here_.Find(entry.name)) ChangePeer(peer, entry);
    else AddPeer(entry);
  }
}

void ShardCore::AddPeer(const PeerEntry& entry) {
  const Handle<Peer> handle = peers_here_.Create(entry.name);
  Peer* peer = peers_here_.Get(handle);
  peer->entry = entry;
  peer->state_since_ns = now_ns_;
  peer->session = sessions_.Create();
  sessions_.Get(peer->session)->peer = handle;
  LoadPeer(peer);
}

void ShardCore::ChangePeer(Peer* peer, const PeerEntry& entry) {
  const PeerEntry before = std::exchange(peer->entry, entry);
  const bool was_removed = std::exchange(peer->removed, false);
  if (was_removed) LoadPeer(peer);
  if (before == entry) return;
  PeerEntry same_but_dial = before;
  same_but_dial.dial = entry.dial;
  if (same_but_dial != entry) {
    // A dial that is under way is void, whatever comes of it.
    if (Connection* dialling = connections_.Get(peer->dialling)) {
      connections_.End(dialling, CloseReason::kLinkChanged);
    }
    EndLink(peer, CloseReason::kLinkChanged, ErrorCode::kNone, "its configuration was changed");
    peer->dial_ticket = 0;
    if (peer->state == PeerState::kDialing) SetPeerState(peer, PeerState::kIdle);
  }
  const bool waits = peer->state == PeerState::kIdle || peer->state == PeerState::kWaiting;
  if (peer->loaded && waits) {
    peer->backoff.Reset();
    peer->dial_at_ns = now_ns_;
    ScheduleDial(peer);
  }
}

void ShardCore::RemovePeer(Peer* peer) {
  if (std::exchange(peer->removed, true)) return;
  if (Connection* dialling = connections_.Get(peer->dialling)) {
    connections_.End(dialling, CloseReason::kLinkChanged);
  }
  EndLink(peer, CloseReason::kLinkChanged, ErrorCode::kNone, "it was removed");
  peer->dial_at_ns = 0;
  peer->dial_ticket = 0;
  peer->loaded = false;
  SetPeerState(peer, PeerState::kIdle);
  store_->ForgetPeer(peer->name);
  DestroyIfIdle(peer);
}

// What was taken from it may still be on its way into the store: if it comes back before that is
// settled it must find its numbers.
void ShardCore::DestroyIfIdle(Peer* peer) {
  if (!peer->removed || peer->dirty || !peer->in.numbers.quiet() || peer->dialling.valid()) return;
  if (peer->in.copies != nullptr) return;
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  peer_timers_.Cancel(handle.index);
  for (const SocketId socket : peer->waiters) {
    if (Connection* waiting = connections_.Get(socket)) {
      connections_.Unhold(waiting, kHoldRequest);
    }
  }
  sessions_.Destroy(peer->session);
  peers_here_.Destroy(handle);
}

void ShardCore::LoadPeer(Peer* peer) {
  const Handle<Peer> handle = peers_here_.HandleOf(peer->name);
  store_->LoadPeer(peer->name, [this, handle](StoreCompletion& completion) {
    Peer* loaded = peers_here_.Get(handle);
    if (loaded != nullptr && !loaded->removed) OnPeerLoaded(loaded, completion);
  });
}

void ShardCore::OnPeerLoaded(Peer* peer, StoreCompletion& completion) {
  const auto* record = std::get_if<PeerRecord>(&completion.value);
  // What was taken before it was removed and came back has to be settled first.
  if (completion.status != StoreStatus::kDone || record == nullptr || !peer->in.numbers.quiet()) {
    peer->load_at_ns = now_ns_ + kLoadAgainNs;
    return ArmPeer(peer);
  }
  peer->load_at_ns = 0;
  peer->loaded = true;
  PeerOutput& out = peer->out;
  out = PeerOutput{};
  out.stream = record->out_stream;
  out.base = record->out_base;
  out.last = record->out_last;
  out.trimmed = out.acked = out.sent = out.sent_ever = record->out_first - 1;
  peer->in.stream = record->in_stream;
  peer->in.by_session = false;
  peer->in.numbers.Begin(record->in_held);
  for (const NumberRange& range : record->in_early) {
    peer->in.numbers.AddHeld(range.first, range.last);
  }
  for (const SocketId socket : std::exchange(peer->waiters, {})) {
    if (Connection* connection = connections_.Get(socket)) {
      connections_.Unhold(connection, kHoldRequest);
    }
  }
  peer->age_at_ns = now_ns_;
  peer->dial_at_ns = now_ns_;
  ScheduleDial(peer);
}

// --- what is due ---

void ShardCore::SetPeerState(Peer* peer, PeerState state) {
  if (peer->state == state) return;
  peer->state = state;
  peer->state_since_ns = now_ns_;
}

void ShardCore::LogPeer(Peer* peer, std::string_view text) {
  if (log_ == nullptr) return;
  const std::string line = peer->log.Line(now_ns_, text);
  if (!line.empty()) log_("link to " + peer->name + ": " + line);
}

// Whoever can connect may send any name.
void ShardCore::LogStranger(std::string_view name) {
  if (log_ == nullptr) return;
  const std::string shown = IsValidServer(name) ? FoldServer(name) : std::string("(no valid name)");
  const std::string line =
      stranger_log_.Line(now_ns_, "a server named " + shown + " was refused: it is not a peer");
  if (!line.empty()) log_(line);
}

void ShardCore::NoteError(Peer* peer, LinkStep step, std::string text) {
  const bool ended = step == LinkStep::kLink;
  LogPeer(peer, ended ? "down: " + text
                      : "failed at " + std::string(LinkStepName(step)) + ": " + text);
  peer->last_error = std::move(text);
  peer->last_error_step = step;
  peer->last_error_ns = now_ns_;
}

void ShardCore::ArmPeer(Peer* peer) {
  uint64_t at = UINT64_MAX;
  auto due = [&at](uint64_t ns) {
    if (ns != 0) at = std::min(at, ns);
  };
  due(peer->load_at_ns);
  due(peer->dial_at_ns);
  due(peer->trim_at_ns);
  if (!peer->age_reading) due(peer->age_at_ns);
  if (peer->link.valid() && (peer->features & kFeaturePing) != 0) {
    const uint64_t interval = limits_.link_ping_interval_ms * 1'000'000;
    due((peer->pinged_ns != 0 ? peer->pinged_ns : peer->heard_ns) + interval);
  }
  if (!peer->out.marks.empty()) due(now_ns_ + kLookNs);
  const uint32_t index = peers_here_.HandleOf(peer->name).index;
  if (at == UINT64_MAX) peer_timers_.Cancel(index);
  else peer_timers_.Set(index, at);
}

void ShardCore::RunTimers() {
  peer_timers_.Advance(now_ns_, [this](uint32_t index) {
    if (Peer* peer = peers_here_.Get(peers_here_.HandleAt(index))) RunPeer(peer);
  });
}

void ShardCore::RunPeer(Peer* peer) {
  auto is_due = [this](uint64_t* at_ns) {
    if (*at_ns == 0 || *at_ns > now_ns_) return false;
    *at_ns = 0;
    return true;
  };
  if (is_due(&peer->load_at_ns)) LoadPeer(peer);
  if (is_due(&peer->dial_at_ns)) StartDial(peer);
  if (is_due(&peer->trim_at_ns)) TrimSpool(peer);
  if (!peer->age_reading && is_due(&peer->age_at_ns)) LookAtAge(peer);
  Connection* connection = connections_.Get(peer->link);
  if (connection != nullptr && !peer->out.marks.empty()) LookAtMarks(peer, *connection);
  const uint64_t interval = limits_.link_ping_interval_ms * 1'000'000;
  if (connection != nullptr && (peer->features & kFeaturePing) != 0) {
    const bool pinged = peer->pinged_ns != 0;
    if (pinged && now_ns_ - peer->pinged_ns >= interval) {
      EndLink(peer, CloseReason::kLinkSilent, ErrorCode::kNone, "it does not answer pings");
    } else if (!pinged && now_ns_ - peer->heard_ns >= interval) {
      peer->pinged_ns = now_ns_;
      connections_.AppendFrame(connection, Ping{static_cast<uint32_t>(Random())});
    }
  }
  ArmPeer(peer);
}

// --- dialling ---

// Dials at peer->dial_at_ns, if it is a peer to dial and there is no link.
void ShardCore::ScheduleDial(Peer* peer) {
  const bool dials = peer->loaded && !peer->removed && peer->entry.dial &&
                     !peer->entry.address.empty() && !draining_ && !peer->link.valid() &&
                     peer->dial_ticket == 0 && !peer->dialling.valid();
  if (!dials) {
    peer->dial_at_ns = 0;
    const bool waits = peer->state == PeerState::kWaiting;
    if (waits) SetPeerState(peer, PeerState::kIdle);
  } else {
    SetPeerState(peer, PeerState::kWaiting);
  }
  ArmPeer(peer);
}

void ShardCore::StartDial(Peer* peer) {
  peer->dial_ticket = next_ticket_++;
  peer->dial_step = LinkStep::kName;
  ++peer->counts.dials;
  dials_.emplace(peer->dial_ticket, peer->name);
  SetPeerState(peer, PeerState::kDialing);
  if (WantsTls(peer->entry) && connections_.tls() == nullptr) {
    dials_.erase(peer->dial_ticket);
    peer->dial_ticket = 0;
    FailDial(peer, LinkStep::kTls, "this server has no TLS");
  } else if (const std::optional<NetAddress> address = ParseNetAddress(peer->entry.address)) {
    peer->dial_step = LinkStep::kTcp;
    connections_.Dial(*address, peer->dial_ticket, {WantsTls(peer->entry), peer->name});
  } else if (resolver_ == nullptr ||
             !resolver_->Submit({shard_, peer->dial_ticket, peer->entry.address})) {
    dials_.erase(peer->dial_ticket);
    peer->dial_ticket = 0;
    FailDial(peer, LinkStep::kName, "too many names are being looked up");
  }
}

// The dials that peers wait for; those of peers that changed meanwhile are void.
void ShardCore::OnResolved(const ResolveAnswer& answer) {
  const auto found = dials_.find(answer.ticket);
  if (found == dials_.end()) return;
  Peer* peer = peers_here_.Find(found->second);
  const bool wanted = peer != nullptr && peer->dial_ticket == answer.ticket;
  if (wanted && !answer.addresses.empty()) {
    peer->dial_step = LinkStep::kTcp;
    // Another one each time, so that a dead one among them does not stay the only one tried.
    const size_t choice = (peer->counts.dials - 1) % answer.addresses.size();
    connections_.Dial(answer.addresses[choice], answer.ticket,
                      {WantsTls(peer->entry), peer->name});
    return;
  }
  dials_.erase(found);
  if (!wanted) return;
  peer->dial_ticket = 0;
  FailDial(peer, LinkStep::kName, answer.error);
}

void ShardCore::OnDialFailed(uint64_t ticket, DialStep step, std::string_view text) {
  const auto found = dials_.find(ticket);
  if (found == dials_.end()) return;
  Peer* peer = peers_here_.Find(found->second);
  dials_.erase(found);
  if (peer == nullptr || peer->dial_ticket != ticket) return;
  peer->dial_ticket = 0;
  FailDial(peer, StepOf(step), std::string(text));
}

void ShardCore::FailDial(Peer* peer, LinkStep step, std::string text) {
  ++peer->counts.dial_failures;
  NoteError(peer, step, text);
  FinishTests(peer, step, LinkTestResult::kFailed, std::move(text));
  peer->dial_at_ns =
      now_ns_ + peer->backoff.NextMs(limits_.link_backoff_max_ms, Random()) * 1'000'000;
  SetPeerState(peer, PeerState::kIdle);
  ScheduleDial(peer);
}

void ShardCore::DialAgain(Peer* peer) {
  const bool lasted = peer->state >= PeerState::kResuming &&
                      now_ns_ - peer->link_since_ns >= kLastedNs;
  if (lasted) peer->backoff.Reset();
  peer->dial_at_ns =
      now_ns_ + peer->backoff.NextMs(limits_.link_backoff_max_ms, Random()) * 1'000'000;
  SetPeerState(peer, PeerState::kIdle);
  ScheduleDial(peer);
}

// --- this turn's ---

void ShardCore::MarkDirty(Peer* peer) {
  if (std::exchange(peer->dirty, true)) return;
  dirty_peers_.push_back(peers_here_.HandleOf(peer->name));
}

void ShardCore::GatherPeers() {
  for (size_t i = 0; i < dirty_peers_.size(); ++i) {  // may grow meanwhile
    const Handle<Peer> handle = dirty_peers_[i];
    Peer* peer = peers_here_.Get(handle);
    if (peer == nullptr) continue;
    peer->dirty = false;
    FlushCopies(peer);
    FlushReceivedMarks(peer);
    PeerInput& in = peer->in;
    Connection* connection = connections_.Get(peer->link);
    const bool answers = connection != nullptr && in.open &&
                         (peer->features & kFeatureReceipts) != 0 &&
                         in.numbers.held() != in.announced;
    if (answers) {
      in.announced = in.numbers.held();
      connections_.AppendFrame(connection, Accepted{in.announced});
    }
    DestroyIfIdle(peer);
  }
  dirty_peers_.clear();
}

// --- for administrators ---

PeerStatus ShardCore::PeerStatusOf(const Peer& peer) const {
  PeerStatus status = peer.counts;
  status.name = peer.name;
  status.address = peer.entry.address;
  status.state = peer.state;
  status.shard = shard_;
  status.dialled = peer.dialled;
  status.tls = peer.tls;
  status.features = peer.features;
  status.remote = peer.remote;
  auto ago_ms = [this](uint64_t ns) { return (now_ns_ - std::min(now_ns_, ns)) / 1'000'000; };
  status.state_ms = ago_ms(peer.state_since_ns);
  if (peer.dial_at_ns > now_ns_) status.dial_in_ms = (peer.dial_at_ns - now_ns_) / 1'000'000;
  status.last_error = peer.last_error;
  status.last_error_step = peer.last_error_step;
  if (!peer.last_error.empty()) status.last_error_ms = ago_ms(peer.last_error_ns);
  status.spool_messages = peer.out.last - std::min(peer.out.last, peer.out.acked);
  if (status.spool_messages != 0 && peer.oldest_number > peer.out.acked) {
    status.spool_oldest_ms = ago_ms(peer.oldest_ns);
  }
  return status;
}

// The bytes are the store's to say: each peer is asked for, the answers come in order.
void ShardCore::ListPeers(ControlDone done) {
  struct Listed {
    ControlReply reply;
    size_t left = 1;
    ControlDone done;
    void Finish() {
      if (--left == 0) done(std::move(reply));
    }
  };
  auto list = std::make_shared<Listed>();
  list->done = std::move(done);
  peers_here_.ForEach([&](Handle<Peer>, const Peer& peer) {
    if (peer.removed) return;
    ++list->left;
    store_->LoadPeer(peer.name, [this, list, name = peer.name](StoreCompletion& completion) {
      if (const Peer* found = peers_here_.Find(name); found != nullptr && !found->removed) {
        PeerStatus status = PeerStatusOf(*found);
        if (const auto* record = std::get_if<PeerRecord>(&completion.value)) {
          status.spool_bytes = record->out_bytes;
        }
        list->reply.peers.push_back(std::move(status));
      }
      list->Finish();
    });
  });
  list->Finish();
}

// Of a link that is up the steps are told from what it is; else it is dialled now.
void ShardCore::TestPeer(const std::string& name, ControlDone done) {
  const std::string folded = FoldServer(name);
  Peer* peer = peers_here_.Find(folded);
  if (peer == nullptr || peer->removed) return done({ControlStatus::kNotFound, {}});
  peer_tests_.push_back({folded, std::move(done)});
  if (peer->link.valid()) {
    return FinishTests(peer, LinkStep::kLink, LinkTestResult::kOk, "");
  }
  if (peer->dial_ticket != 0 || peer->dialling.valid()) return;  // it answers when that is over
  const bool can_dial = !peer->entry.address.empty() && peer->loaded && !draining_;
  if (!can_dial) {
    return FinishTests(peer, LinkStep::kName, LinkTestResult::kFailed,
                       peer->entry.address.empty()
                           ? "no address is configured: this server waits to be dialled"
                           : "the store has not said yet what waits for it");
  }
  peer->dial_at_ns = 0;
  StartDial(peer);
  ArmPeer(peer);
}

// Answers the tests of a peer: `step` is the one that failed, or kLink: all went well.
void ShardCore::FinishTests(Peer* peer, LinkStep step, LinkTestResult result, std::string text) {
  if (peer_tests_.empty()) return;
  ControlReply reply;
  const bool tls = peer->link.valid() ? peer->tls : WantsTls(peer->entry);
  const std::string where = peer->link.valid() ? peer->remote : peer->dial_remote;
  for (size_t i = 0; i < kLinkTestSteps; ++i) {
    const auto each = static_cast<LinkStep>(i);
    LinkTestStep test{each, LinkTestResult::kOk, ""};
    if (each > step) test.result = LinkTestResult::kSkipped;
    if (each == step) {
      test.result = result;
      test.text = text;
    } else if (!tls && (each == LinkStep::kTls || each == LinkStep::kPin) && each < step) {
      test.result = LinkTestResult::kSkipped;
      test.text = "a plain link, as its entry allows";
    } else if (each == LinkStep::kName && each < step) {
      test.text = peer->link.valid() && !peer->dialled ? "it dialled this server"
                                                       : peer->entry.address;
    } else if (each == LinkStep::kTcp && each < step) {
      test.text = where;
    } else if (each == LinkStep::kVersion && each < step) {
      test.text = "features " + std::to_string(peer->features);
    } else if (each == LinkStep::kAuth && each < step) {
      test.text = "the link is up";
    }
    reply.steps.push_back(std::move(test));
  }
  std::erase_if(peer_tests_, [&](PeerTest& test) {
    if (test.peer != peer->name) return false;
    test.done(reply);
    return true;
  });
}

}  // namespace solec

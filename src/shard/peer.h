// A peer as the shard that its name hashes to knows it: its link, if there is one, and the state of
// its two streams, which outlives links. Owned by that shard's thread.
//
// Numbers. Messages for the peer are numbered by its spool; on the wire they have the spool's
// number less `wire_base`. Messages of the peer have the numbers of its stream, or, where resume is
// not agreed, of its session.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/pool.h"
#include "base/socket_id.h"
#include "link/backoff.h"
#include "link/incoming_stream.h"
#include "link/link_log.h"
#include "link/peer_entry.h"
#include "link/peer_status.h"
#include "proto/constants.h"
#include "shard/mail.h"

namespace solec {

class SharedBytes;

// What we have for the peer, by numbers of its spool.
struct PeerOutput {
  uint64_t stream = 0;     // 0: it has no name yet
  uint64_t base = 0;       // of the stream: what is n there is base + n in the spool
  uint64_t wire_base = 0;  // of this link: `base`, or what was accepted when it came up
  uint64_t last = 0;       // that waits in the spool
  uint64_t trimmed = 0;    // the store was told to forget all up to here
  uint64_t acked = 0;      // the peer is responsible for all up to here
  uint64_t sent = 0;       // is in the output of this link up to here
  uint64_t sent_ever = 0;  // was, of any link
  uint64_t sent_here = 0;  // Messages that this link was given
  bool open = false;       // the peer has said where to go on: Messages may be sent
  bool reading = false;    // a page was asked for
  bool naming = false;     // a new stream is being begun
  bool resuming = false;   // our LinkResume is not answered yet
  // Refused by the peer, and not told to their senders yet.
  std::map<uint64_t, ErrorCode> rejected;
  bool bouncing = false;   // the first of them is being read
  // Without receipts: when the peer's TCP has so many bytes of the output, it has all messages up
  // to `number`.
  struct Mark {
    uint64_t place;
    uint64_t number;
  };
  std::deque<Mark> marks;
};

// What it has for us.
struct PeerInput {
  IncomingStream numbers;
  uint64_t stream = 0;     // that they are numbers of, as the store has it
  uint64_t announced = 0;  // what our last Accepted said
  uint64_t taken_first = 0;  // the number of the first Message of this link; 0: none came
  bool open = false;       // it knows where to go on: Messages may come
  bool by_session = false;   // `numbers` are a session's: the stream's are with the store
  // Refused Messages and copies, that are marked in the store at the end of the turn.
  uint64_t marks_first = 0, marks_count = 0;
  // Copies of one of its channels that came in this turn.
  std::string copies_channel;  // "#room@b.example"
  SharedBytes* copies = nullptr;
  uint32_t copies_count = 0;
};

// A Join or Leave of a user here that the peer has not answered yet.
struct PeerRequest {
  uint32_t shard = 0;  // of the user
  MailHeader answer;
  std::string channel;  // "#room@b.example"
  std::string user;     // "alice@a.example"
  bool join = false;
};

struct Peer {
  explicit Peer(std::string_view peer_name) : name(peer_name) {}

  static constexpr size_t kRequestsMax = 4'096;  // of users here, that wait for its answer
  static constexpr size_t kRequestsOfPeerMax = 64;  // of it, that wait for ours

  std::string name;
  PeerEntry entry;
  // For what is settled later, whatever becomes of links: Origin::session of its messages.
  Handle<Session> session;
  bool loaded = false;
  bool removed = false;            // from the configuration; goes once nothing is under way
  std::vector<SocketId> waiters;   // connections that need it loaded

  // --- the link ---
  PeerState state = PeerState::kIdle;
  uint64_t state_since_ns = 0;
  SocketId link;                   // from kResuming on
  bool dialled = false;
  bool tls = false;
  uint32_t features = 0;
  std::string remote;
  uint32_t serial = 0;             // of the link: what was begun on another one is void
  uint64_t link_since_ns = 0;
  uint64_t heard_ns = 0;
  uint64_t pinged_ns = 0;          // since it was heard last; 0: not

  // --- dialling ---
  Backoff backoff;
  uint64_t dial_at_ns = 0;         // 0: not at all
  uint64_t dial_ticket = 0;        // a dial is under way
  SocketId dialling;               // our dial, in its handshake
  LinkStep dial_step = LinkStep::kName;
  std::string dial_remote;
  std::string last_error;
  LinkStep last_error_step = LinkStep::kName;
  uint64_t last_error_ns = 0;
  LinkLog log;

  bool dirty = false;              // on the list of this turn
  std::string link_text;           // why the link is being ended, if we do it

  PeerOutput out;
  PeerInput in;
  uint64_t trim_at_ns = 0;         // 0: there is nothing to trim
  uint64_t age_at_ns = 0;          // when the age of the oldest is looked at; 0: not at all
  bool age_reading = false;
  uint64_t oldest_number = 0;      // that was looked at, and when it was kept
  uint64_t oldest_ns = 0;
  uint64_t load_at_ns = 0;         // the store failed; it is asked again then

  absl::flat_hash_map<uint16_t, PeerRequest> requests;  // by tag
  uint16_t next_tag = 0;
  uint32_t requests_of_peer = 0;

  PeerStatus counts;               // only the counters of it are used
};

}  // namespace solec

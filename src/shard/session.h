// A session: one logged-in connection of one user, and what is remembered for it between frames.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/pool.h"
#include "base/socket_id.h"
#include "chat/channel.h"
#include "chat/receipts.h"
#include "chat/service.h"
#include "chat/user.h"

namespace solec {

struct Peer;

// Where a session's last message went: most messages go where the one before went, and then nothing
// needs to be parsed, validated or looked up again.
struct Route {
  enum class Kind : uint8_t {
    kNone,
    kLocalUser,
    kRemoteUser,
    kLocalChannel,
    kRemoteChannel,
    kPeer  // a user or channel of another server
  };
  Kind kind = Kind::kNone;
  std::string raw_target;  // as the client wrote it
  std::string head;        // a Message frame up to its timestamp: header, source and target in full
  std::string mail_text;   // of a mail that carries a message along it; kPeer: target's address
  std::string name;        // the target's key: "bob", "#room"; kPeer: the other server's name
  uint64_t name_hash = 0;
  uint32_t shard = 0;      // the target's
  uint32_t epoch = 0;      // of the policy
  uint32_t sender_version = 0;
  uint32_t target_version = 0;
  Handle<User> user;
  Handle<Channel> channel;
};

// A request that is not answered yet. While there is one the session's input is on hold, so there
// is at most one, and what follows it sees its effect.
struct PendingRequest {
  RequestKind kind{};
  uint16_t tag = 0;
  std::string address;       // in full, or "#room"
  std::string cursor;        // lists: the last address that was shown
  uint64_t after = 0;        // histories: the last position that was shown
  uint64_t remaining = 0;    // and how many messages are still wanted
  bool newest = false;       // the newest, instead of what follows `after`
  // Service lines: what is still to be carried out, and the answer so far.
  bool by_service = false;
  std::string lines;
  size_t line_count = 0;
  std::string answer;
  size_t list_items = 0;
  bool list_waits = false;   // for output to leave
  ServiceCommand command;    // its views point into `line`
  std::string line;

  // What lists still hold would not be shown: there is no need to go through all of it.
  bool AnswerIsFull() const { return by_service && answer.size() > kServiceAnswerBytes; }

  // The most text that lists put into one answer of the service address.
  static constexpr size_t kServiceAnswerBytes = 48 * 1024;
};

// Where a session stands in a channel's fan-out.
struct FanoutPlace {
  Handle<Fanout> fanout;
  uint32_t index = 0;
};

// A session elsewhere or here that was told to stop reading because this one reads too slowly.
struct HeldSender {
  uint32_t shard = 0;
  Handle<Session> session;
};

// How far a session's peer has got with what is kept for its user.
struct Delivery {
  // The oldest place that is waited for. Once it has been reached, the next is set, at the end of
  // what was sent until then. Counted in messages where the peer sends Accepted, else in bytes.
  DeliveryMark mark;
  bool answers = false;   // the peer has sent an Accepted: it says itself what has arrived
  uint64_t accepted = 0;  // what its last one said
  uint64_t kept_end = 0;  // output bytes up to here came from the store, and are there still
};

// A session that is sent what waited for its user, page by page, before anything newer.
struct CatchUp {
  InboxMark read;             // in the output up to here
  // What was submitted to the store before this must be committed before a page is the last one:
  // what came later is held in the inbox's tail too.
  uint64_t from_ordinal = 0;
  uint64_t asked_ordinal = 0;  // from_ordinal, when the page was asked for
  uint64_t sent_target = 0;   // output bytes that have to leave before the next page
  bool reading = false;       // a page was asked for
};

// Hashes of what a session has sent to channels of other servers, in that order: it does not get
// back what it sent. Beyond the bound the oldest are forgotten.
struct Echoes {
  static constexpr size_t kMax = 1'024;
  std::deque<uint64_t> hashes;

  void Add(uint64_t hash) {
    if (hashes.size() == kMax) hashes.pop_front();
    hashes.push_back(hash);
  }
  // Whether it is one of its own. What two channels send back comes in any order: those before it
  // stay, and are forgotten by the bound.
  bool Take(uint64_t hash) {
    const auto found = std::find(hashes.begin(), hashes.end(), hash);
    if (found == hashes.end()) return false;
    hashes.erase(found);
    return true;
  }
};

// A user's, or what stands for a peer whether it has a link or not: then `socket` is that of its
// link, if there is one.
struct Session {
  SocketId socket;
  Handle<User> user;
  Handle<Peer> peer;
  std::unique_ptr<Route> route;
  std::unique_ptr<Receipts> receipts;  // where receipts are agreed
  std::unique_ptr<PendingRequest> request;
  std::vector<FanoutPlace> places;
  std::vector<HeldSender> held_senders;
  std::unique_ptr<Delivery> delivery;  // once it was sent a message that is kept
  std::unique_ptr<CatchUp> catch_up;   // while older messages come from the store
  std::unique_ptr<Echoes> echoes;      // once it has sent to a channel of another server
  // Frames of channels that came while this session caught up: whole frames, sent when it has.
  // Counts as output.
  std::unique_ptr<std::string> deferred;
  uint32_t over_limit_run = 0;    // messages in a row that were refused with 0x42
  uint32_t readers_too_slow = 0;  // sessions that have told this one to stop reading
  bool receipts_dirty = false;  // something was settled in this turn
  bool holds_expired = false;   // it held others for too long: no more until it has caught up
};

}  // namespace solec

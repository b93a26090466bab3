// A session: one logged-in connection of one user, and what is remembered for it between frames.
#pragma once

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

// Where a session's last message went: most messages go where the one before went, and then nothing
// needs to be parsed, validated or looked up again.
struct Route {
  enum class Kind : uint8_t { kNone, kLocalUser, kRemoteUser, kLocalChannel, kRemoteChannel };
  Kind kind = Kind::kNone;
  std::string raw_target;  // as the client wrote it
  std::string head;        // a Message frame up to its timestamp: header, source and target in full
  std::string mail_text;   // of a mail that carries a message along this route
  std::string name;        // the target's key: "bob", "#room"
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

struct Session {
  SocketId socket;
  Handle<User> user;
  std::unique_ptr<Route> route;
  std::unique_ptr<Receipts> receipts;  // where receipts are agreed
  std::unique_ptr<PendingRequest> request;
  std::vector<FanoutPlace> places;
  std::vector<HeldSender> held_senders;
  uint64_t backlog_mark = 0;    // output position behind the page of waiting messages; 0: has none
  // Frames of channels that came while older messages of this user still waited in the store: whole
  // frames, sent once nothing waits any more. Counts as output.
  std::unique_ptr<std::string> deferred;
  uint32_t over_limit_run = 0;    // messages in a row that were refused with 0x42
  uint32_t readers_too_slow = 0;  // sessions that have told this one to stop reading
  bool receipts_dirty = false;  // something was settled in this turn
  bool holds_expired = false;   // it held others for too long: no more until it has caught up
};

}  // namespace solec

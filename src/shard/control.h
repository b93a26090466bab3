// What the control thread (admin socket, signals) asks of the shards, and what they answer. A
// request travels to a shard through a locked inbox, off the message path, and is answered by
// value. ControlTarget is what the rest of administration sees of it: a running server's shards
// (ShardGroup), or a store that no server has open (OfflineShard).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "link/peer_status.h"
#include "proto/constants.h"

namespace solec {

enum class ControlKind : uint8_t {
  kUserAdd,          // name: bare name; argument: password hash (argon2id, as PasswordHash gives)
  kUserPassword,     // name; argument: the new hash; live sessions of that user end
  kUserRemove,       // name; live sessions end, contacts and memberships go
  kUserList,         // all shards; items: bare names from prefix `name` on; flags bit 0: online
  kContactAdd,       // name; argument: address, bare or full. One side, as if the user had asked
  kContactRemove,    // name; argument: address
  kContactList,      // name; items: addresses; flags as in ListItem
  kChannelCreate,    // name: "#room"
  kChannelRemove,    // name; all members leave
  kChannelList,      // all shards; items: channel names from prefix `name` on
  kChannelJoin,      // name: "#room"; argument: user (bare name): as if that user had asked
  kChannelMembers,   // name; items: addresses; flags bit 0: online (local users only)
  kConnectionList,   // all shards; items: one line a connection, at most 1000 a shard
  kPeerList,         // all shards; peers: every [[peer]], by name
  kPeerTest,         // name: of a peer; steps: what a dial of it found. Takes login_timeout at most
};

struct ControlItem {
  std::string text;
  uint8_t flags = 0;
};

struct ControlRequest {
  ControlKind kind{};
  std::string name;
  std::string argument;
};

enum class ControlStatus : uint8_t {
  kDone,
  kNotFound,       // no such user, channel or address
  kExists,         // user or channel exists already
  kInvalid,        // not a valid name or address
  kOverLimit,
  kUnavailable,    // the store refused (full), or the shard is stopping
};

struct ControlReply {
  ControlStatus status = ControlStatus::kDone;
  std::vector<ControlItem> items;  // for lists, sorted by text
  std::vector<PeerStatus> peers{};
  std::vector<LinkTestStep> steps{};
};

class ControlTarget {
 public:
  virtual ~ControlTarget() = default;

  // Carries a request out and waits for the answer.
  virtual ControlReply Ask(const ControlRequest& request) = 0;

  // Hashes a password for kUserAdd and kUserPassword; blocks for as long as argon2id takes.
  virtual absl::StatusOr<std::string> HashPassword(const std::string& password) = 0;
};

}  // namespace solec

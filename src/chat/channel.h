// Channels. `Channel` is what the owner's shard holds: the members, and the messages of this turn
// in the order that all members will see. `Fanout` is what every shard with members holds: the live
// sessions that a message of the channel goes to.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/socket_id.h"

namespace solec {

struct Session;
class SharedBytes;

enum class ChannelState : uint8_t { kLoading, kPresent, kAbsent, kFailed };  // as UserState

// What brought a message: a user's session, or a link; and whether its number belongs to a stream
// of which the store keeps what is held.
enum class OriginKind : uint8_t { kSession, kLink, kStream };

// Bytes of a batch that came from one session, which does not get them back. (A link does: one copy
// for all members there.)
struct BatchOrigin {
  uint32_t shard = 0;
  OriginKind kind = OriginKind::kSession;
  Handle<Session> session;
  uint32_t size = 0;
  uint32_t count = 0;   // of messages
  uint64_t number = 0;  // of the first, if their receipts wait for the store; the others follow it
};

struct Channel {
  explicit Channel(std::string_view channel_name) : name(channel_name) {}

  std::string name;  // "#room"
  absl::btree_set<std::string, std::less<>> members;  // full addresses, in order, for lists
  std::vector<uint32_t> members_by_shard;  // how many of this server's users each shard has
  std::map<std::string, uint32_t, std::less<>> members_by_peer;  // and each other server
  uint32_t version = 0;  // changes with the members
  ChannelState state = ChannelState::kLoading;
  uint64_t failed_at_ns = 0;
  bool used = true;      // since it was last looked at whether it may be forgotten
  // This turn's messages, whole frames one after another, and where they came from.
  SharedBytes* batch = nullptr;
  std::vector<BatchOrigin> origins;
  std::vector<SocketId> waiters;          // connections whose next frame needs this channel
  std::vector<std::string> pending_mail;  // mails that came before it was loaded
};

struct FanoutMember {
  SocketId socket;
  Handle<Session> session;
};

struct Fanout {
  explicit Fanout(std::string_view channel_name) : name(channel_name) {}
  std::string name;
  std::vector<FanoutMember> members;
};

// Objects of one kind that have a name, by name.
template <class T>
class NamedTable {
 public:
  T* Find(std::string_view name) { return objects_.Get(HandleOf(name)); }
  T* Get(Handle<T> handle) { return objects_.Get(handle); }
  Handle<T> HandleOf(std::string_view name) const {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? Handle<T>{} : found->second;
  }
  Handle<T> Create(std::string_view name) {
    const Handle<T> handle = objects_.Create(name);
    by_name_.emplace(std::string(name), handle);
    return handle;
  }
  void Destroy(Handle<T> handle) {
    by_name_.erase(objects_.Get(handle)->name);
    objects_.Destroy(handle);
  }
  Handle<T> HandleAt(uint32_t index) { return objects_.HandleAt(index); }
  uint32_t count() const { return objects_.used_count(); }
  // Calls visit(handle, object) for each; it may destroy the one that it is shown.
  template <class Visit>
  void ForEach(Visit&& visit) {
    objects_.ForEach(visit);
  }

 private:
  Pool<T> objects_;
  absl::flat_hash_map<std::string, Handle<T>, TextHash, TextEqual> by_name_;
};

}  // namespace solec

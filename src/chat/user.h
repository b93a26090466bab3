// A user of this server as its home shard knows it: resident while it has sessions, and for a while
// after. What lives longer is in the store. Owned by one shard's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/socket_id.h"
#include "chat/inbox.h"
#include "chat/rate_limit.h"

namespace solec {

struct Session;

enum class UserState : uint8_t {
  kLoading,  // the store was asked
  kPresent,
  kAbsent,   // there is no such account
  kFailed,   // the store could not say; it is asked again after a while
};

struct User {
  explicit User(std::string_view user_name) : name(user_name) {}

  std::string name;  // without the server
  std::string password_hash;
  // Address -> whether the other side has agreed, as far as is known. In order, for lists.
  absl::btree_map<std::string, bool, std::less<>> contacts;
  absl::btree_set<std::string, std::less<>> channels;  // joined: "#room", or with another server
  absl::InlinedVector<Handle<Session>, 1> sessions;
  RateLimit rate;
  // Changes when what a route to or from this user depends on changes.
  uint32_t version = 0;
  UserState state = UserState::kLoading;
  uint64_t failed_at_ns = 0;
  uint32_t logins_pending = 0;       // checks of its password under way
  std::unique_ptr<Inbox> inbox;      // once something has been kept for it
  bool on_idle_list = false;
  uint32_t idle_entries = 0;  // what the list counts for it
  // Connections whose next frame needs this user; woken when it is loaded.
  std::vector<SocketId> waiters;
  // Mails for this user that came before it was loaded, oldest first.
  std::vector<std::string> pending_mail;

  bool HasContact(std::string_view address) const { return contacts.contains(address); }
};

// The resident users of one shard, by name.
class UserTable {
 public:
  // Users without sessions that stay resident, and their contacts and channels together; the one
  // that became idle first goes first.
  static constexpr size_t kIdleMax = 16'384;
  static constexpr size_t kIdleEntriesMax = 1 << 20;

  User* Find(std::string_view name) {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : users_.Get(found->second);
  }
  User* Get(Handle<User> handle) { return users_.Get(handle); }
  Handle<User> HandleOf(std::string_view name) const {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? Handle<User>{} : found->second;
  }
  Handle<User> Create(std::string_view name);
  void Destroy(Handle<User> handle);

  // The user has nothing to do at the moment: it may be forgotten when others need the room.
  void MarkIdle(Handle<User> handle);
  // Forgets those that are too many.
  void EvictIdle();

  uint32_t count() const { return users_.used_count(); }

 private:
  Pool<User> users_;
  absl::flat_hash_map<std::string, Handle<User>, TextHash, TextEqual> by_name_;
  std::vector<Handle<User>> idle_;  // a queue: idle_[idle_first_] is the oldest
  size_t idle_first_ = 0;
  size_t idle_entries_ = 0;  // as counted when they became idle
};

// Whether anything still needs this user in memory.
bool IsIdle(const User& user);

}  // namespace solec

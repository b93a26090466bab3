// What a shard keeps beyond its own memory: accounts, contacts, channels, members, and messages
// that wait for users who are away. Asynchronous and batch-shaped: a shard submits requests, goes
// on, and gets the completions in a later turn, in the order it submitted them.
//
// One StorePort belongs to one shard and is called on its thread only. Implementations: MemoryStore
// (bounded, nothing survives the process); a disk store fits behind the same port.
//
// Names and addresses are keys as chat has them: users "alice" (this server's), addresses
// "bob@b.example", channels "#room". A request completes with a status, whole or not at all.
// Before a turn's requests the shard looks whether there is room for them (HasRoom).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"

namespace solec {

enum class StoreStatus : uint8_t {
  kDone,
  kNotFound,   // no such user or channel
  kExists,     // it is there already
  kFull,       // a bound was reached; nothing was changed
};

struct ContactRecord {
  std::string address;
  bool agreed = false;  // the other side has this user in its contacts too, as far as is known
};

struct UserRecord {
  std::string password_hash;
  std::vector<ContactRecord> contacts;  // in order of address
  std::vector<std::string> channels;    // joined, in order of address
  bool has_waiting = false;
};

struct ChannelRecord {
  std::vector<std::string> members;  // addresses, in order
};

// Messages that wait for one user, oldest first: whole frames, one after another.
struct WaitingPage {
  std::string frames;
  uint64_t last_position = 0;  // for TrimWaiting, once they have been sent
  bool more = false;
};

struct StoreCompletion {
  StoreStatus status = StoreStatus::kDone;
  // What the request asked for, if it is done and asked for something.
  std::variant<std::monostate, UserRecord, ChannelRecord, WaitingPage, std::vector<std::string>>
      value;
};

using StoreDone = absl::AnyInvocable<void(StoreCompletion&)>;

class StorePort {
 public:
  virtual ~StorePort() = default;

  // --- users: UserRecord ---
  virtual void LoadUser(std::string_view name, StoreDone done) = 0;
  virtual void AddUser(std::string_view name, std::string_view password_hash, StoreDone done) = 0;
  virtual void SetPassword(std::string_view name, std::string_view hash, StoreDone done) = 0;
  virtual void RemoveUser(std::string_view name, StoreDone done) = 0;
  // Adds or changes a contact.
  virtual void PutContact(std::string_view user, std::string_view address, bool agreed,
                          StoreDone done) = 0;
  virtual void RemoveContact(std::string_view user, std::string_view address, StoreDone done) = 0;
  // The user's own list of joined channels (a channel keeps its members besides).
  virtual void PutJoined(std::string_view user, std::string_view channel, StoreDone done) = 0;
  virtual void RemoveJoined(std::string_view user, std::string_view channel, StoreDone done) = 0;
  // Up to `limit` names after `after`, in order: std::vector<std::string>.
  virtual void ListUsers(std::string_view after, size_t limit, StoreDone done) = 0;

  // --- channels: ChannelRecord ---
  virtual void LoadChannel(std::string_view channel, StoreDone done) = 0;
  virtual void AddChannel(std::string_view channel, StoreDone done) = 0;
  virtual void RemoveChannel(std::string_view channel, StoreDone done) = 0;
  virtual void PutMember(std::string_view channel, std::string_view address, StoreDone done) = 0;
  virtual void RemoveMember(std::string_view channel, std::string_view address, StoreDone done) = 0;
  virtual void ListChannels(std::string_view after, size_t limit, StoreDone done) = 0;

  // --- waiting messages: WaitingPage ---
  // Keeps one whole frame behind those that wait already.
  virtual void AppendWaiting(std::string_view user, Bytes frame, StoreDone done) = 0;
  // The oldest, up to about `bytes_max`, but at least one if there are any.
  virtual void ReadWaiting(std::string_view user, size_t bytes_max, StoreDone done) = 0;
  // Forgets those up to a position that a page gave.
  virtual void TrimWaiting(std::string_view user, uint64_t up_to, StoreDone done) = 0;

  // Runs `done` of every request that has completed, in order of submission; those may submit
  // more. True if there were any.
  virtual bool Poll() = 0;

  // Poll would find something.
  virtual bool HasCompletions() const = 0;

  // Room for at least a turn's requests; when false the shard stops reading until Poll made room.
  virtual bool HasRoom() const = 0;

  // Bytes held on behalf of this shard, for the metrics.
  virtual uint64_t ByteCount() const = 0;
};

}  // namespace solec

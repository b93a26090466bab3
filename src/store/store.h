// What a shard keeps beyond its own memory: accounts, contacts, channels, members, messages.
// Asynchronous and batch-shaped: a shard submits requests, goes on, and gets the completions in a
// later turn.
//
// One StorePort belongs to one shard and is called on its thread only. Implementations: MemoryStore
// (bounded, nothing survives the process) and DiskStore.
//
// Order. Writes complete in the order in which they were submitted, and so do reads of the same
// kind (see below). A record read (LoadUser, LoadChannel, the lists) sees every write that this
// port submitted before it; whether it sees one that was submitted after it, and which of the two
// completes first, is open. A message read (ReadWaiting, ReadHistory) sees every write that had
// completed when it was submitted, and waits for no others.
//
// Names and addresses are keys as chat has them: users "alice" (this server's), addresses
// "bob@b.example", channels "#room". A request completes with a status, whole or not at all; what
// has completed with kDone is durable, if the store is. Before a turn's requests the shard looks
// whether there is room for them (HasRoom).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "base/inbox_mark.h"
#include "store/peer_types.h"

namespace solec {

enum class StoreStatus : uint8_t {
  kDone,
  kNotFound,  // no such user or channel
  kExists,    // it is there already
  kFull,      // a bound was reached, or the disk is full; nothing was changed
  kFailed,    // the store could not read or write; the log says why
};

// Positions are the order in which messages were committed: one counter for the server, from 1 on.
// One that was given out never comes again, and whoever reads after position p misses nothing.

struct ContactRecord {
  std::string address;
  bool agreed = false;  // the other side has this user in its contacts too, as far as is known
};

struct UserRecord {
  std::string password_hash;
  std::vector<ContactRecord> contacts;  // in order of address
  std::vector<std::string> channels;    // joined, in order of address
  InboxMark delivered;                  // all up to here have arrived
  InboxMark last;                       // the newest that was kept; beyond `delivered`: they wait
};

struct ChannelRecord {
  std::vector<std::string> members;  // addresses, in order
};

// Messages that wait for one user, oldest first: whole frames, one after another.
struct WaitingPage {
  std::string frames;
  uint32_t count = 0;
  // Everything up to here was seen: what comes later lies beyond it. With nothing to show it may
  // still be beyond `after`; `bytes` is then meaningless.
  InboxMark up_to;
  bool more = false;  // not all that was there fitted
};

// Messages of a history, in rising position; those that are older than the asker's account are left
// out. `items`: for each a position (8 bytes, big endian),
// the size of the payload (4 bytes, big endian), and the payload of the Message.
struct HistoryPage {
  std::string items;
  uint32_t count = 0;
  uint64_t last_position = 0;
  bool more = false;
};

struct HistoryQuery {
  enum class Kind : uint8_t { kChat, kChannel, kEverything };
  Kind kind = Kind::kChat;
  std::string user;      // who asks
  std::string with;      // kChat: "bob" of this server or "bob@b.example"; kChannel: "#room"
  std::vector<std::string> channels;  // kEverything: the asker's, merged with what it was sent
  uint64_t after = 0;    // only what lies beyond
  uint64_t limit = 0;    // messages; at least 1
  uint64_t bytes_max = 0;  // about so many of payloads, but at least one message
  // The newest `limit` instead of the oldest after `after`; still in rising position.
  bool newest = false;
};

struct StoreCompletion {
  StoreStatus status = StoreStatus::kDone;
  // What the request asked for, if it is done and asked for something.
  std::variant<std::monostate, UserRecord, ChannelRecord, WaitingPage, HistoryPage,
               std::vector<std::string>, PeerRecord, SpoolPage>
      value;
};

using StoreDone = absl::AnyInvocable<void(StoreCompletion&)>;

// Comes back as it was given when messages are kept; the store does not look into it. (No callback
// for each, so that keeping a message allocates nothing.)
struct KeepTicket {
  enum class Kind : uint8_t { kDirect, kChannel, kOutgoing, kReceived };
  Kind kind = Kind::kDirect;
  uint32_t shard = 0;     // who sent them: shard, session and the number of the first
  uint32_t count = 0;     // of messages, whose numbers and ordinals follow one another
  uint64_t session = 0;
  uint64_t number = 0;    // 0: nobody waits for a receipt
  uint64_t object = 0;    // the user or channel they are for
  uint64_t ordinal = 0;   // of the last among those kept for that user
};

// A run of whole Message frames, with full addresses, from one sender to one user of this server.
struct DirectMessages {
  std::string_view user;    // "bob"
  std::string_view sender;  // "alice@a.example"
  Bytes first, second{};    // the frames; both parts together
  // The marks go with the write, and cost none of their own.
  InboxMark delivered;      // what has arrived at this user meanwhile
  uint64_t bytes = 0;       // InboxMark::bytes once these are kept
  // A frame that is in the sender's history, or a channel's, already: it only waits for the user.
  bool waiting_only = false;
  // Whose stream brought them: the ticket's number and count are numbers of that stream, and are
  // held from the same commit on. Empty: a user of this server sent them.
  std::string_view peer{};
};

// What became of a ticket's messages: all kept, the last of them at `last_position` and the others
// right before it; or none.
using KeptHandler =
    absl::AnyInvocable<void(const KeepTicket& ticket, StoreStatus status, uint64_t last_position)>;

class StorePort {
 public:
  virtual ~StorePort() = default;

  // Whether every message is kept (and so there are histories), or only what waits for users
  // without a session. The same all the time.
  virtual bool KeepsAll() const = 0;

  // Whether messages would be refused now with kFull because the disk is full.
  virtual bool IsFull() const { return false; }

  // --- users: UserRecord ---
  virtual void LoadUser(std::string_view name, StoreDone done) = 0;
  virtual void AddUser(std::string_view name, std::string_view password_hash, StoreDone done) = 0;
  virtual void SetPassword(std::string_view name, std::string_view hash, StoreDone done) = 0;
  // With all that waits for it. Its chats stay, for the other side.
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
  // With its members and its history.
  virtual void RemoveChannel(std::string_view channel, StoreDone done) = 0;
  virtual void PutMember(std::string_view channel, std::string_view address, StoreDone done) = 0;
  virtual void RemoveMember(std::string_view channel, std::string_view address, StoreDone done) = 0;
  virtual void ListChannels(std::string_view after, size_t limit, StoreDone done) = 0;

  // --- messages ---
  // What tells the shard what became of its tickets, from Poll, in order of submission (also among
  // the other writes). Set once, before the first.
  virtual void SetKeptHandler(KeptHandler handler) = 0;
  // Keeps messages in the chat and for the user, behind those that are kept already.
  virtual void KeepDirect(const DirectMessages& messages, const KeepTicket& ticket) = 0;
  // Keeps whole Message frames of any senders in a channel's history (where KeepsAll), and for each
  // of `peers` in its spool; those of `received` are held from the same commit on. What goes over a
  // spool's bytes is dropped from that spool and counted: the rest of the write is none the worse.
  virtual void KeepChannel(std::string_view channel, Bytes frames,
                           std::span<const std::string_view> peers,
                           std::span<const ReceivedMessages> received,
                           const KeepTicket& ticket) = 0;
  // All up to `mark` have arrived at the user; goes with the next KeepDirect for free.
  virtual void SetDelivered(std::string_view user, InboxMark mark, StoreDone done) = 0;
  // The oldest beyond `after`, up to about `bytes_max`, but at least one if there are any.
  virtual void ReadWaiting(std::string_view user, uint64_t after, size_t bytes_max,
                           StoreDone done) = 0;
  // HistoryPage. Only where KeepsAll.
  virtual void ReadHistory(const HistoryQuery& query, StoreDone done) = 0;

  // --- peers ---
  // Told of the spools that this port watches, from Poll. Set once, before the first LoadPeer.
  virtual void SetSpoolHandler(SpoolHandler handler) = 0;
  // The most that a spool holds; of every peer and for every port.
  virtual void SetSpoolBytesMax(uint64_t bytes) = 0;
  // PeerRecord (of one that nobody has heard of as well). From then on this port watches the spool:
  // it is told of all that lies beyond the record's out_last. One port at a time: the last that
  // asked.
  virtual void LoadPeer(std::string_view peer, StoreDone done) = 0;
  // Watched no longer; all that is kept stays.
  virtual void ForgetPeer(std::string_view peer) = 0;
  virtual void SetOutStream(std::string_view peer, uint64_t stream, uint64_t base,
                            StoreDone done) = 0;
  // A new one: nothing of it is held yet.
  virtual void SetInStream(std::string_view peer, uint64_t stream, StoreDone done) = 0;
  // Into the chat's history (where KeepsAll) and the spool, numbered at the commit. kFull, with
  // nothing changed, if the spool would go over its bytes.
  virtual void KeepOutgoing(const OutgoingMessages& messages, const KeepTicket& ticket) = 0;
  // These are held, though not kept: refused, or copies for members here.
  virtual void MarkReceived(const ReceivedMessages& messages, const KeepTicket& ticket) = 0;
  // SpoolPage: the oldest beyond `after`, up to about `bytes_max`, but at least one.
  virtual void ReadSpool(std::string_view peer, uint64_t after, size_t bytes_max,
                         StoreDone done) = 0;
  // All up to this number have been delivered, or are given up. Nobody is held up by it: it may
  // wait for company.
  virtual void TrimSpool(std::string_view peer, uint64_t up_to, StoreDone done) = 0;

  // Makes the turn's requests visible to whoever carries them out. Once at the end of a turn. The
  // shard is woken when there are completions.
  virtual void Flush() = 0;

  // Runs `done` of every request that has completed; those may submit more. True if there were any.
  virtual bool Poll() = 0;

  // Poll would find something.
  virtual bool HasCompletions() const = 0;

  // Room for at least a turn's requests; when false the shard stops reading until Poll made room.
  virtual bool HasRoom() const = 0;

  // Every request has completed, and its `done` has run.
  virtual bool IsQuiet() const = 0;

  // Bytes of memory held on behalf of this shard, for the metrics.
  virtual uint64_t ByteCount() const = 0;
};

}  // namespace solec

// How the disk store's keys and values are encoded: pure functions, docs/storage.md in code. Keys
// sort as they shall be scanned; numbers in keys are big endian, numbers in values variable length.
// Everything that is decoded came from a disk and is not trusted: what does not decode is an error,
// never an assertion. Any thread; views live as long as the bytes that they were cut from.
//
// Names and addresses hold no zero byte (control characters are not allowed in them), so a zero
// byte ends each of them within a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/inbox_mark.h"
#include "store/peer_types.h"

namespace solec {

// A later version of the project that stores otherwise counts this up, and upgrades or refuses.
inline constexpr std::string_view kStoreSchema = "2";
// One that is upgraded when it is opened: it has no space for spools.
inline constexpr std::string_view kStoreSchemaBefore = "1";

// The key-value spaces, in the order of their numbers. kMeta is the database's default one.
enum class StoreSpace : uint8_t { kMeta, kUsers, kChannels, kChats, kPosts, kInbox, kSpools };
inline constexpr size_t kStoreSpaceCount = 7;
// "meta" is for people: the database calls it otherwise.
std::string_view StoreSpaceName(StoreSpace space);

// --- keys ---

// Rows of the space meta, beside those of the clock and of peers.
inline constexpr std::string_view kSchemaKey = "schema";    // kStoreSchema
inline constexpr std::string_view kServerKey = "server";    // the name of the server it belongs to
inline constexpr std::string_view kStateKey = "state";      // StateValue
inline constexpr std::string_view kCutoffsKey = "cutoffs";  // CutoffsValue

// A key under construction, on the stack. Names are bounded, so it always fits.
class StoreKey {
 public:
  StoreKey() = default;
  StoreKey(const StoreKey& other) { Text(other.view()); }
  StoreKey& operator=(const StoreKey& other) {
    size_ = 0;
    return Text(other.view());
  }
  StoreKey& Text(std::string_view text) {
    SOLEC_ASSERT(text.size() <= sizeof(bytes_) - size_);
    text.copy(bytes_ + size_, text.size());
    size_ += text.size();
    return *this;
  }
  StoreKey& Byte(char byte) { return Text({&byte, 1}); }
  // The name and the byte that ends it.
  StoreKey& Name(std::string_view name) { return Text(name).Byte('\0'); }
  StoreKey& Number(uint64_t value) {
    SOLEC_ASSERT(sizeof(bytes_) - size_ >= sizeof(value));
    StoreBig(reinterpret_cast<uint8_t*>(bytes_ + size_), value);
    size_ += sizeof(value);
    return *this;
  }
  std::string_view view() const { return {bytes_, size_}; }
  size_t size() const { return size_; }

 private:
  char bytes_[1024];
  size_t size_ = 0;
};

// Rows of a user and of a channel: the owner, a zero byte, one of these, and what follows it.
inline constexpr char kRowAccount = 'a';    // users: AccountValue; the first, whatever follows
inline constexpr char kRowContact = 'c';    // users: + address; '1' if the other side has agreed
inline constexpr char kRowDelivered = 'd';  // users: MarkValue
inline constexpr char kRowJoined = 'j';     // users: + channel; no value
inline constexpr char kRowMember = 'm';     // channels: + address; no value
inline constexpr char kRowSettings = 'a';   // channels: the version of the settings; the first

// The value of a channel's row of settings: their version, and nothing else as yet.
inline constexpr std::string_view kSettingsValue = "\1";

StoreKey RowKey(std::string_view owner, char kind, std::string_view rest = {});

struct RowName {
  std::string_view owner;
  char kind = 0;
  std::string_view rest;
};
std::optional<RowName> ParseRowKey(std::string_view key);

// What all rows of an owner (user, channel) begin with, and the first key behind them; the same for
// its inbox or its posts.
StoreKey OwnerBegin(std::string_view owner);
StoreKey OwnerEnd(std::string_view owner);

// The chat of two parties, in whichever order they are given: the lower name first, by bytes.
StoreKey ChatBegin(std::string_view one, std::string_view other);
StoreKey ChatEnd(std::string_view one, std::string_view other);

// A run's key: what its chat, channel or inbox begins with, and the position of its last message.
inline StoreKey RunKey(const StoreKey& begin, uint64_t last_position) {
  return StoreKey(begin).Number(last_position);
}

inline constexpr size_t kPositionSize = 8;
// The position at the end of a run's key.
std::optional<uint64_t> PositionOfKey(std::string_view key);

// The parties of a chat's key, or the one owner of a key in posts or inbox.
struct ChatName {
  std::string_view lower, higher;
};
std::optional<ChatName> ParseChatKey(std::string_view key);
std::optional<std::string_view> ParseOwnerOfRun(std::string_view key);

// How an address is written in keys: users of this server by their name alone.
std::string_view LocalForm(std::string_view address, std::string_view server_name);

// --- values ---

// Appends to a value; a string that keeps its memory from one value to the next.
void PutNumber(std::string* to, uint64_t value);
// Takes a number off the front of `from`; false, with `from` unspecified, if there is none.
bool TakeNumber(std::string_view* from, uint64_t* value);

struct AccountValue {
  uint64_t since = 0;  // what lies before this position is not this user's
  std::string_view password_hash{};
};
std::string EncodeAccount(const AccountValue& account);
std::optional<AccountValue> ParseAccount(std::string_view value);

std::string EncodeMark(InboxMark mark);
std::optional<InboxMark> ParseMark(std::string_view value);

// What the inbox keeps of a run.
struct InboxValue {
  InboxMark delivered{};  // what had arrived at the user when this was written
  uint64_t bytes = 0;     // of all frames that were kept for the user, these included
  uint64_t count = 0;     // of frames
  bool is_inline = false;
  std::string_view sender{};  // not inline: whose chat with the user has the run; local form
  std::string_view run{};     // inline: the run itself (run_codec.h), not looked into
  Bytes frames{};             // inline, as schema 1 wrote it: there is no run, but these
};
// All of it but the run, which follows.
void PutInboxHead(std::string* to, const InboxValue& value);
std::optional<InboxValue> ParseInbox(std::string_view value);

// How far the store is; goes with every batch that holds messages.
struct StateValue {
  uint64_t position = 0;    // the last that was given out
  uint64_t chat_bytes = 0;  // written to chats and inboxes so far, deleted ones included
  uint64_t post_bytes = 0;  // to channels' histories
};
// To a reused string, whose content is replaced.
void EncodeState(const StateValue& state, std::string* value);
std::optional<StateValue> ParseState(std::string_view value);

// Up to where retention has taken messages away.
struct CutoffsValue {
  uint64_t chats = 0;  // positions; inboxes go with chats
  uint64_t posts = 0;
  friend bool operator==(const CutoffsValue&, const CutoffsValue&) = default;
};
std::string EncodeCutoffs(const CutoffsValue& cutoffs);
std::optional<CutoffsValue> ParseCutoffs(std::string_view value);

// One row of the clock: by when which position had been reached.
struct ClockRow {
  uint64_t position = 0;    // the last message before
  uint64_t time_ms = 0;     // since 1970
  uint64_t chat_bytes = 0;  // of chats and inboxes up to there, deleted ones included
  uint64_t post_bytes = 0;  // of channels' histories, likewise
};
inline constexpr std::string_view kClockPrefix = "clock";
StoreKey ClockKey(uint64_t position);
std::string EncodeClock(const ClockRow& row);
std::optional<ClockRow> ParseClock(std::string_view key, std::string_view value);

// What is known of a peer, beside the rows of its spool; in the space meta.
struct PeerValue {
  uint64_t out_stream = 0;  // as in PeerRecord
  uint64_t out_base = 0;
  uint64_t trimmed = 0;        // all messages of the spool up to this number are given up
  uint64_t trimmed_bytes = 0;  // what they came to, since the spool began; whole runs
  uint64_t in_stream = 0;
  uint64_t in_held = 0;
  std::vector<NumberRange> in_early{};
};
inline constexpr std::string_view kPeerPrefix = "peer";
StoreKey PeerKey(std::string_view peer);
// The peer's name.
std::optional<std::string_view> ParsePeerKey(std::string_view key);
std::string EncodePeer(const PeerValue& peer);
std::optional<PeerValue> ParsePeer(std::string_view value);

// A row of a spool; its key has the peer and the number of the run's last message.
struct SpoolValue {
  bool is_reference = false;
  uint64_t count = 0;         // of frames
  uint64_t bytes = 0;         // of frames
  uint64_t bytes_up_to = 0;   // of all that was ever put into the spool, these included
  uint64_t kept_ms = 0;       // since 1970
  uint64_t position = 0;      // a reference: of the run in the channel's history
  std::string_view channel{};
  std::string_view run{};     // no reference: the run itself, not looked into
};
// All of it but the run, which follows.
void PutSpoolHead(std::string* to, const SpoolValue& value);
std::optional<SpoolValue> ParseSpool(std::string_view value);

// How many whole Message frames `frames` is made of; nothing else if it is not.
std::optional<uint64_t> CountMessageFrames(Bytes frames);

}  // namespace solec

// What an operator does with a store that no server has open, or with a backup of one: check it,
// count it, take everything out of it. Nothing on the disk changes. Any thread; each call reads the
// whole store, and takes as long, but only the records of one user or channel are in memory at
// once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "store/store.h"

namespace solec {

struct StoreCheck {
  uint64_t entries = 0;  // looked at
  // What is damaged: it cannot be decoded, or what it leads to is missing. Sentences that name the
  // entry; only the first hundred.
  std::vector<std::string> faults;
  uint64_t fault_count = 0;
  // What two entries say differently of each other (a user's channels and a channel's members).
  // They are written one after the other, so a crash may leave that; nothing is lost by it.
  std::vector<std::string> disagreements;
  uint64_t disagreement_count = 0;
};

// `path`: the folder of a store, or of a backup. An error if it cannot be opened at all.
absl::StatusOr<StoreCheck> CheckStore(const std::string& path);

struct StoreSpaceStats {
  std::string name;  // as in docs/storage.md
  uint64_t entries = 0;
  uint64_t key_bytes = 0, value_bytes = 0;
  uint64_t table_bytes = 0;  // on the disk, without the log
};

struct StoreStats {
  std::string schema;
  std::string server_name;
  uint64_t last_position = 0;
  uint64_t chat_cutoff = 0, post_cutoff = 0;  // all up to there was taken away by retention
  uint64_t users = 0, contacts = 0, joined = 0;
  uint64_t channels = 0, members = 0;
  uint64_t chats = 0, chat_messages = 0, chat_bytes = 0;      // bytes: of whole frames
  uint64_t histories = 0, post_messages = 0, post_bytes = 0;  // of channels
  uint64_t inbox_messages = 0;                                // kept for users, delivered or not
  uint64_t peers = 0;                                         // anything is known of
  uint64_t spool_messages = 0, spool_bytes = 0;               // that wait for them
  uint64_t log_bytes = 0;                                     // of the write-ahead log
  std::vector<StoreSpaceStats> spaces;
};

absl::StatusOr<StoreStats> StatStore(const std::string& path);

struct ExportedUser {
  std::string_view name;
  uint64_t since = 0;  // what lies before this position was an older account's
  UserRecord record;
};

struct ExportedChannel {
  std::string_view name;
  ChannelRecord record;
};

struct ExportedPeer {
  std::string_view name;
  PeerRecord record;
};

struct ExportedMessage {
  enum class Kind : uint8_t {
    kChat,     // of `one` and `other`
    kChannel,  // posted to `one`
    kWaiting,  // only kept for `one`: it is, or was, in another history too
    kSpool,    // waits for the peer `one`; it is in a history too, unless it is a foreign channel's
  };
  Kind kind = Kind::kChat;
  std::string_view one, other;  // users of this server without its name
  uint64_t position = 0;        // kSpool: the number in the spool
  Bytes payload;                // of a Message
};

// What is taken out, piece by piece: users by name, channels by name, peers by name, chats,
// channels' histories, what only waits and spools, each in order of position. A callback that
// returns false ends it; views live as long as the call.
struct ExportSink {
  std::function<bool(const ExportedUser&)> user;
  std::function<bool(const ExportedChannel&)> channel;
  std::function<bool(const ExportedPeer&)> peer;
  std::function<bool(const ExportedMessage&)> message;
};

absl::Status ExportStore(const std::string& path, const ExportSink& sink);

}  // namespace solec

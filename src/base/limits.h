// Every bound that an operator can set, with its default: what design calls the policy at the bound
// stands beside each. The config's [limits], [policy], [store] and [history] tables fill these;
// shards copy theirs at start and at reload.
#pragma once

#include <cstddef>
#include <cstdint>

namespace solec {

// "unlimited" as the config spells it.
inline constexpr uint64_t kUnlimited = UINT64_MAX;

struct Limits {
  // Handshake and login together must finish within this, or the connection closes.
  uint64_t login_timeout_ms = 10'000;
  // Wrong passwords on one connection before it closes.
  uint32_t login_tries = 3;
  // Content of one Message, at most kContentBytesMax; over it: Error 0x42.
  uint64_t message_bytes_max = 61'440;
  // Output that waits for one session; over it: the session ends with Error 0x45.
  uint64_t output_bytes_max = 4 << 20;
  // A session that takes nothing for this long while output waits ends with Error 0x45.
  uint64_t output_stall_timeout_ms = 30'000;
  // Messages that one user may send per second, all sessions together; over it: Error 0x42.
  uint64_t messages_per_second_max = kUnlimited;
  // Connections of the whole server; over it: closed at once.
  uint64_t connections_max = 1'000'000;
  // Connections from one network address; over it: closed at once.
  uint64_t connections_per_address_max = kUnlimited;
  // Sessions of one user; over it: the login is answered with Error 0x42 and closed.
  uint64_t sessions_per_user_max = 64;
  // Contacts, joined channels of one user; members of one channel; over it: Result 0x42.
  uint64_t contacts_per_user_max = 5'000;
  uint64_t channels_per_user_max = 1'000;
  uint64_t members_per_channel_max = 1'000'000;
  // Messages that wait for one user who has no session; over it: Error 0x43 to the sender.
  uint64_t waiting_bytes_per_user_max = 16 << 20;
  // All that the memory store holds; over it: Error 0x43.
  uint64_t memory_store_bytes_max = uint64_t{4} << 30;
  // Messages for one peer that wait on disk, and how long, before they bounce.
  uint64_t spool_bytes_max = uint64_t{1} << 30;
  uint64_t spool_age_max_ms = uint64_t{72} * 3600 * 1000;
  // A link that was silent for this long is asked by a Ping; silent for twice as long, it ends.
  uint64_t link_ping_interval_ms = 30'000;
  // The longest time between two tries to reach a peer.
  uint64_t link_backoff_max_ms = 60'000;
  // Password checks that wait for a worker; over it: Error 0x43.
  uint64_t password_queue_max = 4'096;
  // Memory and passes of one argon2id hash of a new password.
  uint64_t password_memory_bytes = 64 << 20;
  uint64_t password_passes = 2;
  // How long a login is believed to repeat without argon2id, and how many users' are remembered;
  // over it the oldest goes. 0 and "0ms": none.
  uint64_t login_proof_lifetime_ms = 600'000;
  uint64_t login_proofs_max = 100'000;
};

// What a store on disk may take ([store]). It is opened with them.
struct StoreLimits {
  uint64_t cache_bytes = 256 << 20;          // of blocks that were read, all shards together
  uint64_t write_buffer_bytes = 64 << 20;    // of what is written, before it goes into a table
  uint64_t commit_delay_ms = 5;              // how long what nobody waits for may wait for company
  uint64_t free_space_min = 64 << 20;        // with less on the disk: messages are refused, 0x43
};

// How far back histories go ([history]): older messages, and those beyond so many bytes of all
// histories of a kind together, are forgotten, the oldest first.
struct HistoryLimits {
  uint64_t chat_age_max_ms = kUnlimited;
  uint64_t chat_bytes_max = kUnlimited;
  uint64_t channel_age_max_ms = kUnlimited;
  uint64_t channel_bytes_max = kUnlimited;
};

struct Policy {
  bool contacts_open = false;         // contacts = "open": anybody may write to anybody
  bool accounts_any = false;          // accounts = "any": any name and password logs in
  bool channels_by_users = true;      // channels = "users": who joins a new channel creates it
  // [store] when_full = "deliver": while the disk is full, messages still reach live sessions, and
  // are not kept; else they are refused with 0x43.
  bool deliver_when_full = false;
};

}  // namespace solec

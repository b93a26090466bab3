// The keys of the config's tables of bounds ([limits], [store], [history]): what each holds, where
// it goes, and its range.
#pragma once

#include <string>
#include <string_view>

#include "base/limits.h"

namespace solec {

// What a key holds.
enum class LimitKind { kCount, kSize, kTime };

template <class T>
struct BoundKey {
  std::string_view name;
  LimitKind kind;
  uint64_t T::*wide;
  uint32_t T::*narrow;
  uint64_t least;
  uint64_t most;
  bool may_be_unlimited;
};
using LimitKey = BoundKey<Limits>;

inline constexpr uint64_t kDayMs = 24 * 3'600'000;
inline constexpr LimitKey kLimitKeys[] = {
    {"login_timeout", LimitKind::kTime, &Limits::login_timeout_ms, nullptr, 10, kDayMs, false},
    {"login_tries", LimitKind::kCount, nullptr, &Limits::login_tries, 1, 255, false},
    {"message_bytes_max", LimitKind::kSize, &Limits::message_bytes_max, nullptr, 1, 61'440, false},
    {"output_bytes_max", LimitKind::kSize, &Limits::output_bytes_max, nullptr, 256 << 10,
     uint64_t{1} << 30, false},
    {"output_stall_timeout", LimitKind::kTime, &Limits::output_stall_timeout_ms, nullptr, 100,
     kDayMs, false},
    {"messages_per_second_max", LimitKind::kCount, &Limits::messages_per_second_max, nullptr, 1,
     1'000'000'000, true},
    {"connections_max", LimitKind::kCount, &Limits::connections_max, nullptr, 1, 100'000'000, true},
    {"connections_per_address_max", LimitKind::kCount, &Limits::connections_per_address_max,
     nullptr, 1, 100'000'000, true},
    {"sessions_per_user_max", LimitKind::kCount, &Limits::sessions_per_user_max, nullptr, 1, 10'000,
     false},
    {"contacts_per_user_max", LimitKind::kCount, &Limits::contacts_per_user_max, nullptr, 0,
     1'000'000, false},
    {"channels_per_user_max", LimitKind::kCount, &Limits::channels_per_user_max, nullptr, 0,
     100'000, false},
    {"members_per_channel_max", LimitKind::kCount, &Limits::members_per_channel_max, nullptr, 1,
     100'000'000, false},
    {"waiting_bytes_per_user_max", LimitKind::kSize, &Limits::waiting_bytes_per_user_max, nullptr,
     0, uint64_t{1} << 40, false},
    {"memory_store_bytes_max", LimitKind::kSize, &Limits::memory_store_bytes_max, nullptr, 1 << 20,
     uint64_t{1} << 46, false},
    {"spool_bytes_max", LimitKind::kSize, &Limits::spool_bytes_max, nullptr, 0, uint64_t{1} << 46,
     false},
    {"spool_age_max", LimitKind::kTime, &Limits::spool_age_max_ms, nullptr, 0, 365 * kDayMs, false},
    {"link_ping_interval", LimitKind::kTime, &Limits::link_ping_interval_ms, nullptr, 50, kDayMs,
     false},
    {"link_backoff_max", LimitKind::kTime, &Limits::link_backoff_max_ms, nullptr, 20, kDayMs,
     false},
    {"password_queue_max", LimitKind::kCount, &Limits::password_queue_max, nullptr, 1, 1'000'000,
     false},
    {"password_memory", LimitKind::kSize, &Limits::password_memory_bytes, nullptr, 8 << 10,
     uint64_t{4} << 30, false},
    {"password_passes", LimitKind::kCount, &Limits::password_passes, nullptr, 1, 100, false},
    {"login_proof_lifetime", LimitKind::kTime, &Limits::login_proof_lifetime_ms, nullptr, 0, kDayMs,
     false},
    {"login_proofs_max", LimitKind::kCount, &Limits::login_proofs_max, nullptr, 0, 10'000'000,
     false},
};

inline constexpr BoundKey<StoreLimits> kStoreKeys[] = {
    {"cache", LimitKind::kSize, &StoreLimits::cache_bytes, nullptr, 1 << 20, uint64_t{1} << 40,
     false},
    {"write_buffer", LimitKind::kSize, &StoreLimits::write_buffer_bytes, nullptr, 1 << 20,
     uint64_t{4} << 30, false},
    {"commit_delay", LimitKind::kTime, &StoreLimits::commit_delay_ms, nullptr, 0, 1'000, false},
    {"free_space_min", LimitKind::kSize, &StoreLimits::free_space_min, nullptr, 0,
     uint64_t{1} << 40, false},
};

// A minute at least: the store notes once a minute how far its positions have come.
inline constexpr BoundKey<HistoryLimits> kHistoryKeys[] = {
    {"chat_age_max", LimitKind::kTime, &HistoryLimits::chat_age_max_ms, nullptr, 60'000,
     36'500 * kDayMs, true},
    {"chat_bytes_max", LimitKind::kSize, &HistoryLimits::chat_bytes_max, nullptr, 1 << 20,
     uint64_t{1} << 50, true},
    {"channel_age_max", LimitKind::kTime, &HistoryLimits::channel_age_max_ms, nullptr, 60'000,
     36'500 * kDayMs, true},
    {"channel_bytes_max", LimitKind::kSize, &HistoryLimits::channel_bytes_max, nullptr, 1 << 20,
     uint64_t{1} << 50, true},
};

template <class T>
uint64_t LimitValue(const T& limits, const BoundKey<T>& key) {
  return key.wide != nullptr ? limits.*key.wide : limits.*key.narrow;
}

// As the file has it: a number, a text in quotes, or "unlimited".
std::string FormatLimit(uint64_t value, LimitKind kind);

}  // namespace solec

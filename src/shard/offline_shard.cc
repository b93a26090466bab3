#include "shard/offline_shard.h"

#include <memory>
#include <optional>
#include <utility>

#include "store/password_pool.h"

namespace solec {

// A single shard sends itself no mail; the least that a ring can be.
static constexpr size_t kRingBytes = 64 << 10;
// Turns in which nothing happened, after which nothing will.
static constexpr int kIdleTurnsMax = 3;

OfflineShard::OfflineShard(const std::string& server_name, const Limits& limits,
                           const Policy& policy, StorePort* store, std::function<bool()> work)
    : limits_(limits),
      store_(store),
      work_(std::move(work)),
      rings_(1, kRingBytes),
      core_(Environment(server_name, policy)) {}

ShardEnvironment OfflineShard::Environment(const std::string& server_name, const Policy& policy) {
  ShardEnvironment environment;
  environment.server_name = server_name;
  environment.limits = limits_;
  environment.policy = policy;
  environment.rings = &rings_;
  environment.store = store_;
  environment.passwords = &passwords_;
  environment.connection_limits = &connection_limits_;
  return environment;
}

bool OfflineShard::RunTurn() {
  bool worked = core_.TakeIn();
  core_.GatherTurn();
  core_.mailboxes().Flush([](uint32_t) {});
  core_.FlushStore();
  worked = work_() || worked;
  return worked || core_.HasGathered();
}

ControlReply OfflineShard::Ask(const ControlRequest& request) {
  // Shared with the callback, which may outlive a request that is never answered.
  auto reply = std::make_shared<std::optional<ControlReply>>();
  core_.Control(request, [reply](ControlReply answer) { *reply = std::move(answer); });
  for (int idle = 0; idle < kIdleTurnsMax;) idle = RunTurn() ? 0 : idle + 1;
  return std::move(*reply).value_or(ControlReply{ControlStatus::kUnavailable, {}});
}

absl::StatusOr<std::string> OfflineShard::HashPassword(const std::string& password) {
  std::string hash =
      solec::HashPassword(password, limits_.password_memory_bytes, limits_.password_passes);
  if (!hash.empty()) return hash;
  return absl::ResourceExhaustedError(
      "not enough memory to hash a password; lower limits.password_memory");
}

}  // namespace solec

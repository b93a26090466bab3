// Administrators' commands on a store that no server runs on: one shard that owns every user and
// every channel, without connections. So the rules are those of a running server.
//
// One owner, one thread. Each command is carried out, and everything that came of it is in the
// store, when Ask returns.
#pragma once

#include <functional>
#include <string>

#include "base/limits.h"
#include "net/connection_limits.h"
#include "shard/control.h"
#include "shard/mailboxes.h"
#include "shard/shard_core.h"
#include "store/store.h"

namespace solec {

class OfflineShard final : public ControlTarget {
 public:
  // `store` outlives it. `work` has the store carry out what was asked of it, on this thread; true
  // if there was something to do.
  OfflineShard(const std::string& server_name, const Limits& limits, const Policy& policy,
               StorePort* store, std::function<bool()> work);

  ControlReply Ask(const ControlRequest& request) override;
  absl::StatusOr<std::string> HashPassword(const std::string& password) override;

 private:
  // Nobody logs in here.
  class NoPasswords final : public PasswordChecker {
   public:
    bool Submit(PasswordCheck) override { return false; }
    void Poll(uint32_t, std::vector<PasswordVerdict>*) override {}
  };

  ShardEnvironment Environment(const std::string& server_name, const Policy& policy);
  // One turn of a shard's loop, as far as there is one without connections.
  bool RunTurn();

  const Limits limits_;
  StorePort* const store_;
  const std::function<bool()> work_;
  MailRings rings_;
  ConnectionLimits connection_limits_;
  NoPasswords passwords_;
  ShardCore core_;
};

}  // namespace solec

// The administrator's commands: JSON in, JSON out, one object each.
//
//   {"command":"user add","name":"alice","password":"…"}
//   {"ok":true,"items":[{"text":"alice","flags":1}]}
//   {"ok":false,"error":"there is no user 'alice'","code":"not_found"}
//
// Codes: not_found exists invalid over_limit unavailable usage. The whole list of commands is in
// docs/operations.md. Without a server those that concern users and channels work on
// its store.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "shard/shard_group.h"

namespace solec {

// What the commands work on. Called from the admin threads, several at a time.
struct AdminContext {
  ControlTarget* control = nullptr;      // who carries out what concerns users and channels
  const ShardGroup* shards = nullptr;    // null: no server is running
  std::string server_name;
  std::function<absl::Status()> reload;  // OK, or why the old configuration stays
  std::function<void()> drain;           // begins the end; returns at once
  // Whether the configuration names peers. Missing: it does not. So that a look at the metrics of a
  // server without any wakes no shard.
  std::function<bool()> has_peers = {};
  // Puts a copy of the store, as of one moment, into a folder. Missing: nothing is on disk.
  std::function<absl::Status(const std::string& folder)> backup;
};

// Answers one line; the answer has no line end. Never throws.
std::string RunAdminCommand(const AdminContext& context, std::string_view line);

}  // namespace solec

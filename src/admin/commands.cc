#include "admin/commands.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "admin/link_answers.h"
#include "admin/metrics.h"

namespace solec {
namespace {

using Json = nlohmann::json;

// A command that is one question to the shards.
struct ShardCommand {
  std::string_view command;
  ControlKind kind;
  std::string_view name;      // the member of the request that names what it is about; empty: none
  std::string_view argument;  // the second; "password" is hashed first
  bool name_is_prefix;        // the name is optional and selects by prefix
};

constexpr ShardCommand kShardCommands[] = {
    {"user add", ControlKind::kUserAdd, "name", "password", false},
    {"user passwd", ControlKind::kUserPassword, "name", "password", false},
    {"user remove", ControlKind::kUserRemove, "name", "", false},
    {"user list", ControlKind::kUserList, "name", "", true},
    {"user contact add", ControlKind::kContactAdd, "name", "address", false},
    {"user contact remove", ControlKind::kContactRemove, "name", "address", false},
    {"user contact list", ControlKind::kContactList, "name", "", false},
    {"channel create", ControlKind::kChannelCreate, "name", "", false},
    {"channel remove", ControlKind::kChannelRemove, "name", "", false},
    {"channel list", ControlKind::kChannelList, "name", "", true},
    {"channel join", ControlKind::kChannelJoin, "name", "user", false},
    {"channel members", ControlKind::kChannelMembers, "name", "", false},
    {"connections", ControlKind::kConnectionList, "", "", false},
};

Json Failure(std::string_view code, std::string error) {
  return {{"ok", false}, {"code", code}, {"error", std::move(error)}};
}

Json NoServer() {
  return Failure("unavailable", "no server is running");
}

// Why the shards refused, in words that name what was asked for.
Json Refusal(ControlStatus status, const ControlRequest& request) {
  const char* const kind = request.kind == ControlKind::kPeerTest ? "peer '"
                           : request.name.starts_with('#')        ? "channel '"
                                                                  : "user '";
  const std::string what = kind + request.name + "'";
  switch (status) {
    case ControlStatus::kNotFound:
      return Failure("not_found", "there is no " + what);
    case ControlStatus::kExists:
      return Failure("exists", what + " exists already");
    case ControlStatus::kInvalid:
      return Failure("invalid", "that is not a valid name or address: '" + request.name + "'" +
                                    (request.kind == ControlKind::kContactAdd ||
                                             request.kind == ControlKind::kContactRemove
                                         ? " '" + request.argument + "'"
                                         : ""));
    case ControlStatus::kOverLimit:
      return Failure("over_limit", "over a limit of the server's configuration");
    case ControlStatus::kUnavailable:
    case ControlStatus::kDone:
      break;
  }
  return Failure("unavailable", "the server cannot do that now");
}

Json AskShards(const AdminContext& context, const ShardCommand& command, const Json& request) {
  ControlRequest question;
  question.kind = command.kind;
  if (!command.name.empty()) question.name = request.value(command.name, "");
  if (question.name.empty() && !command.name.empty() && !command.name_is_prefix) {
    return Failure("usage", "'" + std::string(command.name) + "' is missing");
  }
  if (!command.argument.empty()) {
    question.argument = request.value(command.argument, "");
    if (question.argument.empty()) {
      return Failure("usage", "'" + std::string(command.argument) + "' is missing");
    }
  }
  if (command.argument == "password") {
    absl::StatusOr<std::string> hash = context.control->HashPassword(question.argument);
    if (!hash.ok()) return Failure("unavailable", std::string(hash.status().message()));
    question.argument = *std::move(hash);
  }
  const ControlReply reply = context.control->Ask(question);
  if (reply.status != ControlStatus::kDone) return Refusal(reply.status, question);
  Json items = Json::array();
  for (const ControlItem& item : reply.items) {
    if (command.name_is_prefix && !item.text.starts_with(question.name)) continue;
    items.push_back({{"text", item.text}, {"flags", item.flags}});
  }
  return {{"ok", true}, {"items", std::move(items)}};
}

// Links are the running server's: a store alone has none.
Json AskForLinks(const AdminContext& context, ControlKind kind, const Json& request) {
  if (context.shards == nullptr) return NoServer();
  ControlRequest question;
  question.kind = kind;
  // The live page asks once a second; a server without peers is not to be woken by that.
  const bool none = kind == ControlKind::kPeerList && context.has_peers && !context.has_peers();
  if (none) return LinkListAnswer({});
  if (kind == ControlKind::kPeerTest) {
    question.name = absl::AsciiStrToLower(request.value("name", ""));
    if (question.name.empty()) return Failure("usage", "'name' is missing");
  }
  const ControlReply reply = context.control->Ask(question);
  if (reply.status != ControlStatus::kDone) return Refusal(reply.status, question);
  return kind == ControlKind::kPeerTest ? LinkTestAnswer(reply.steps)
                                        : LinkListAnswer(reply.peers);
}

Json BackUp(const AdminContext& context, const Json& request) {
  const std::string folder = request.value("folder", "");
  // The server's working folder is not that of whoever asks.
  if (!folder.starts_with('/')) return Failure("usage", "'folder' must be a path from / on");
  if (!context.backup) {
    return Failure("invalid", "this server keeps nothing on disk: it has no data_dir");
  }
  const absl::Status status = context.backup(folder);
  if (status.ok()) return {{"ok", true}};
  return Failure(absl::IsAlreadyExists(status) ? "exists" : "invalid",
                 std::string(status.message()));
}

Json Run(const AdminContext& context, const Json& request) {
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return Failure("usage", "not an object with a 'command'");
  }
  const std::string name = request["command"];
  for (const ShardCommand& command : kShardCommands) {
    if (command.command == name) return AskShards(context, command, request);
  }
  if (name == "stats") {
    if (context.shards == nullptr) return NoServer();
    Json stats = Json::object();
    ForEachMetric(*context.shards, [&stats](const Metric& metric) {
      stats[std::string(metric.name)] = metric.value;
    });
    return {{"ok", true},
            {"server",
             {{"name", context.server_name},
              {"version", SOLEC_VERSION},
              {"shards", context.shards->shard_count()},
              {"listen", context.shards->listening()}}},
            {"stats", std::move(stats)}};
  }
  if (name == "reload") {
    if (!context.reload) return NoServer();
    const absl::Status status = context.reload();
    if (!status.ok()) return Failure("invalid", std::string(status.message()));
    return {{"ok", true}};
  }
  if (name == "drain") {
    if (!context.drain) return NoServer();
    context.drain();
    return {{"ok", true}};
  }
  if (name == "store backup") return BackUp(context, request);
  if (name == "link list") return AskForLinks(context, ControlKind::kPeerList, request);
  if (name == "link test") return AskForLinks(context, ControlKind::kPeerTest, request);
  return Failure("usage", "'" + name + "' is not a command");
}

}  // namespace

std::string RunAdminCommand(const AdminContext& context, std::string_view line) {
  Json answer;
  try {
    answer = Run(context, Json::parse(line));
  } catch (const Json::exception& error) {
    // What the library says of bad input names its own functions: of no use to who typed it.
    answer = Failure("usage", "not a JSON object with text members");
  }
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace solec

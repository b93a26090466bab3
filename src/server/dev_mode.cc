#include "server/dev_mode.h"

#include <filesystem>

namespace solec {
namespace {

constexpr const char* kUsers[] = {"alice", "bob"};
constexpr const char* kChannel = "#lobby";
// Nobody tries it out with more, and every machine lets a program have so many files open.
constexpr uint64_t kDevConnectionsMax = 900;

absl::Status Do(ShardGroup* shards, ControlKind kind, std::string name, std::string argument) {
  ControlRequest request;
  request.kind = kind;
  request.name = std::move(name);
  request.argument = std::move(argument);
  const ControlReply reply = shards->Ask(request);
  if (reply.status == ControlStatus::kDone || reply.status == ControlStatus::kExists) {
    return absl::OkStatus();
  }
  return absl::InternalError("--dev could not set up " + request.name + " " + request.argument);
}

// A password is the user's name and more: easy to type, and only on loopback.
std::string PasswordOf(const std::string& user) {
  return user + "-password";
}

}  // namespace

absl::StatusOr<Config> DevConfig() {
  Config config;
  config.server_name = "localhost";
  config.listen = {"127.0.0.1:" + std::to_string(kDevPort)};
  // No data_dir: there is nothing to keep in it yet.
  const std::string folder = "var";
  config.admin_socket = folder + "/admin.sock";
  config.admin_listen = "127.0.0.1:" + std::to_string(kDevAdminPort);
  config.limits.connections_max = kDevConnectionsMax;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::PermissionDeniedError("./" + folder + ": " + error.message() +
                                       "; start it in a folder that you may write to");
  }
  return config;
}

absl::StatusOr<std::string> SetUpDev(ShardGroup* shards, const std::string& program) {
  absl::Status status = Do(shards, ControlKind::kChannelCreate, kChannel, "");
  for (const std::string user : kUsers) {
    absl::StatusOr<std::string> hash = shards->HashPassword(PasswordOf(user));
    if (!hash.ok()) return hash.status();
    status.Update(Do(shards, ControlKind::kUserAdd, user, *hash));
    status.Update(Do(shards, ControlKind::kChannelJoin, kChannel, user));
  }
  status.Update(Do(shards, ControlKind::kContactAdd, kUsers[0], kUsers[1]));
  status.Update(Do(shards, ControlKind::kContactAdd, kUsers[1], kUsers[0]));
  if (!status.ok()) return status;

  const std::string client =
      (std::filesystem::path(program).parent_path() / "solec").lexically_normal().string();
  std::string text = "\nUsers (and their passwords):";
  for (const std::string user : kUsers) text += "  " + user + " (" + PasswordOf(user) + ")";
  text += "\nChannel: " + std::string(kChannel) +
          ", both are in it\n\nTry it, in two more terminals:\n";
  for (size_t i = 0; i < 2; ++i) {
    const std::string user = kUsers[i];
    text += "  SOLEC_PASSWORD=" + PasswordOf(user) + " " + client + " chat " + user +
            "@localhost " + kUsers[1 - i] + "\n";
  }
  text += "Type a line to send it; /to " + std::string(kChannel) +
          " talks to the channel, /quit ends.\n"
          "What the server is doing: http://127.0.0.1:" +
          std::to_string(kDevAdminPort) + "/\n\n";
  return text;
}

}  // namespace solec

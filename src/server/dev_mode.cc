#include "server/dev_mode.h"

#include <filesystem>

#include "server/data_dir.h"

namespace solec {
namespace {

constexpr const char* kUsers[] = {"alice", "bob"};
constexpr const char* kChannel = "#lobby";
// Nobody tries it out with more, and every machine lets a program have so many files open.
constexpr uint64_t kDevConnectionsMax = 900;

absl::Status Do(ControlTarget* control, ControlKind kind, std::string name, std::string argument) {
  ControlRequest request;
  request.kind = kind;
  request.name = std::move(name);
  request.argument = std::move(argument);
  ControlStatus status = control->Ask(request).status;
  if (status == ControlStatus::kExists && kind == ControlKind::kUserAdd) {
    // Somebody may have changed it since: what is printed has to work.
    request.kind = ControlKind::kUserPassword;
    status = control->Ask(request).status;
  }
  if (status == ControlStatus::kDone || status == ControlStatus::kExists) return absl::OkStatus();
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
  config.data_dir = "var";
  config.admin_socket = config.data_dir + "/admin.sock";
  config.admin_listen = "127.0.0.1:" + std::to_string(kDevAdminPort);
  config.limits.connections_max = kDevConnectionsMax;
  if (absl::Status made = MakeDataDir(config.data_dir); !made.ok()) return made;
  return config;
}

absl::StatusOr<std::string> SetUpDev(ControlTarget* control, const std::string& program) {
  absl::Status status = Do(control, ControlKind::kChannelCreate, kChannel, "");
  for (const std::string user : kUsers) {
    absl::StatusOr<std::string> hash = control->HashPassword(PasswordOf(user));
    if (!hash.ok()) return hash.status();
    status.Update(Do(control, ControlKind::kUserAdd, user, *hash));
    status.Update(Do(control, ControlKind::kChannelJoin, kChannel, user));
  }
  status.Update(Do(control, ControlKind::kContactAdd, kUsers[0], kUsers[1]));
  status.Update(Do(control, ControlKind::kContactAdd, kUsers[1], kUsers[0]));
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

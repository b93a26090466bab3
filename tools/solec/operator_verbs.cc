#include "tools/solec/operator_verbs.h"

#include <cstdio>

#include "proto/constants.h"
#include "tools/solec/admin_options.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/link_verbs.h"
#include "tools/solec/operator_target.h"
#include "tools/solec/password.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

using Json = nlohmann::json;

struct OperatorOptions {
  AdminOptions admin;
  std::string name;
  std::string address;
  std::string password_file;
};

// A command of the admin socket and how solec presents it.
struct Command {
  const char* command;  // as the admin socket knows it
  const char* description;
  const char* name;     // what the first argument is called; empty: it takes none
  const char* address;  // the second
  const char* done;     // said on success, before the name; empty: it prints a list
  const char* flagged;  // remark on list items whose flag is set
  bool name_optional;
  bool takes_password;
  bool needs_server = false;  // else the store of one that is not running will do
};

constexpr Command kUserCommands[] = {
    {"user add", "Add a user", "NAME", "", "added user", "", false, true},
    {"user passwd", "Set a user's password", "NAME", "", "set the password of", "", false, true},
    {"user remove", "Remove a user and what is kept for it", "NAME", "", "removed user", "", false,
     false},
    {"user list", "List the users whose names begin with PREFIX", "PREFIX", "", "", "online", true,
     false},
};

constexpr Command kUserContactCommands[] = {
    {"user contact add", "Put ADDRESS into NAME's contacts", "NAME", "ADDRESS",
     "added a contact of", "", false, false},
    {"user contact remove", "Take ADDRESS out of NAME's contacts", "NAME", "ADDRESS",
     "removed a contact of", "", false, false},
    {"user contact list", "List NAME's contacts", "NAME", "", "", "agreed", false, false},
};

constexpr Command kChannelCommands[] = {
    {"channel create", "Create a channel", "CHANNEL", "", "created", "", false, false},
    {"channel remove", "Remove a channel", "CHANNEL", "", "removed", "", false, false},
    {"channel list", "List the channels whose names begin with PREFIX", "PREFIX", "", "", "", true,
     false},
    {"channel members", "List a channel's members", "CHANNEL", "", "", "online", false, false},
};

constexpr Command kServerCommands[] = {
    {"reload", "Read the config again; all of it or, if it is wrong, nothing", "", "", "reloaded",
     "", false, false, true},
    {"drain", "Take no new connections, end the sessions, stop", "", "", "draining", "", false,
     false, true},
    {"connections", "List the connections", "", "", "", "", false, false, true},
};

void PrintItems(const Json& answer, const Command& command, bool json) {
  const auto items = answer.find("items");
  if (items == answer.end() || !items->is_array()) return;
  for (const Json& item : *items) {
    if (json) {
      std::printf("%s\n",
                  SafeJson(item.dump(-1, ' ', false, Json::error_handler_t::replace)).c_str());
      continue;
    }
    const auto text = item.find("text");
    if (text == item.end() || !text->is_string()) continue;
    const auto flags = item.find("flags");
    const bool flagged = flags != item.end() && flags->is_number_integer() &&
                         (flags->get<int64_t>() & kListItemAgreed) != 0;
    std::printf("%s", SafeLine(text->get<std::string>()).c_str());
    if (flagged && *command.flagged != 0) std::printf("  (%s)", command.flagged);
    std::printf("\n");
  }
}

int RunCommand(const OperatorOptions& options, const Command& command) {
  Json request;
  request["command"] = command.command;
  if (!options.name.empty()) request["name"] = options.name;
  if (!options.address.empty()) request["address"] = options.address;
  absl::StatusOr<OperatorTarget> target =
      OperatorTarget::Find(options.admin, command.needs_server);
  if (!target.ok()) return ReportFailure(target.status());
  if (command.takes_password) {
    const absl::StatusOr<std::string> password =
        ReadNewPassword(options.password_file, options.name);
    if (!password.ok()) return ReportFailure(password.status());
    request["password"] = *password;
  }
  const absl::StatusOr<Json> answer = target->Ask(request);
  if (!answer.ok()) return ReportFailure(answer.status());
  const bool lists = *command.done == 0;
  if (!lists && options.admin.json) {
    std::printf("{\"ok\":true}\n");
  } else if (!lists) {
    std::printf("%s%s%s\n", command.done, options.name.empty() ? "" : " ",
                SafeLine(options.name).c_str());
  }
  PrintItems(*answer, command, options.admin.json);
  return kExitDone;
}

// The last word of a command is the name of its verb.
std::string VerbName(const Command& command) {
  const std::string name = command.command;
  return name.substr(name.rfind(' ') + 1);
}

template <size_t kCount>
void AddCommands(CLI::App* app, Verb* chosen, const Command (&commands)[kCount]) {
  for (const Command& command : commands) {
    AddVerb<OperatorOptions>(
        app, chosen, VerbName(command), command.description,
        [&command](CLI::App* verb, OperatorOptions* options) {
          AddAdminOptions(verb, &options->admin);
          if (*command.name != 0) {
            verb->add_option(command.name, options->name)
                ->required(!command.name_optional)
                ->type_name("");
          }
          if (*command.address != 0) {
            verb->add_option(command.address, options->address)->required()->type_name("");
          }
          if (command.takes_password) {
            verb->add_option("--password-file", options->password_file,
                             "Its first line is the password [standard input]")
                ->type_name("FILE");
          }
        },
        [&command](const OperatorOptions& options) { return RunCommand(options, command); });
  }
}

CLI::App* AddGroup(CLI::App* app, const std::string& name, const std::string& description) {
  CLI::App* const group = app->add_subcommand(name, description);
  group->require_subcommand(1);
  return group;
}

}  // namespace

void AddOperatorVerbs(CLI::App* app, Verb* chosen) {
  CLI::App* const user = AddGroup(app, "user", "The server's users (for its operator)");
  AddCommands(user, chosen, kUserCommands);
  AddCommands(AddGroup(user, "contact", "A user's contacts"), chosen, kUserContactCommands);
  AddCommands(AddGroup(app, "channel", "The server's channels (for its operator)"), chosen,
              kChannelCommands);
  AddLinkVerbs(AddGroup(app, "link", "The server's links to others (for its operator)"), chosen);
  AddCommands(app, chosen, kServerCommands);
}

}  // namespace solec

#include "tools/solec/chat_verb.h"

#include <unistd.h>

#include "proto/address.h"
#include "tools/solec/account_options.h"
#include "tools/solec/chat.h"
#include "tools/solec/exit_code.h"

namespace solec {
namespace {

struct ChatOptions {
  AccountOptions account;
  std::string target;
};

int RunChat(const ChatOptions& options) {
  Address target;
  if (!options.target.empty() && !ParseAddress(options.target, &target)) {
    return ReportFailure(absl::InvalidArgumentError(
        "'" + options.target + "' is no address; write for example bob@a.example or '#room'"));
  }
  const absl::StatusOr<ClientOptions> account = ResolveAccount(options.account);
  if (!account.ok()) return ReportFailure(account.status());
  const bool editing =
      !options.account.json && isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  ChatScreen screen(STDIN_FILENO, stdout, stderr, editing);
  return Chat(*account, options.target, options.account.json, &screen).Run();
}

}  // namespace

void AddChatVerb(CLI::App* app, Verb* chosen) {
  AddVerb<ChatOptions>(
      app, chosen, "chat", "Read and write messages, interactively",
      [](CLI::App* verb, ChatOptions* options) {
        AddAccountOptions(verb, &options->account);
        verb->add_option("TARGET", options->target,
                         "Whom to write to first: bob, bob@b.example, '#room'")
            ->type_name("");
        verb->footer(
            "Inside, /help lists the commands. Without a terminal it reads a message per\n"
            "line and prints what arrives.");
      },
      RunChat);
}

}  // namespace solec

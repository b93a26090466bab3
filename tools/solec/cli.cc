#include "tools/solec/cli.h"

#include <cstdio>

#include "tools/solec/cert_verb.h"
#include "tools/solec/chat_verb.h"
#include "tools/solec/contact_verbs.h"
#include "tools/solec/decode_verb.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/history_verb.h"
#include "tools/solec/listen_verb.h"
#include "tools/solec/operator_verbs.h"
#include "tools/solec/safe_text.h"
#include "tools/solec/send_verb.h"
#include "tools/solec/store_verbs.h"
#include "tools/solec/top_verb.h"
#include "tools/solec/word_shield.h"

namespace solec {
namespace {

void AddVerbs(CLI::App* app, Verb* chosen) {
  AddChatVerb(app, chosen);
  AddSendVerb(app, chosen);
  AddListenVerb(app, chosen);
  AddHistoryVerb(app, chosen);
  AddContactVerbs(app, chosen);
  AddOperatorVerbs(app, chosen);
  AddCertVerb(app, chosen);
  AddStoreVerbs(app, chosen);
  AddTopVerb(app, chosen);
  AddDecodeVerb(app, chosen);
}

// "solec contact add", as far as the verbs were understood.
std::string VerbSoFar(const CLI::App& app) {
  std::string words = app.get_name();
  for (const CLI::App* verb : app.get_subcommands()) words += " " + VerbSoFar(*verb);
  return words;
}

int ReportUsage(const CLI::App& app, const CLI::ParseError& error) {
  // CLI11 complains about what is missing first, but a word that is wrong is more often the cause.
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  const std::string text =
      unknown.empty() ? std::string(error.what()) : "'" + unknown.front() + "' is not known here";
  std::fprintf(stderr, "solec: %s\nTry: %s --help\n", SafeText(text).c_str(),
               VerbSoFar(app).c_str());
  return kExitUsage;
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  CLI::App app("Exchange messages over SOLEC, and look after a SOLEC server.", "solec");
  app.set_version_flag("--version", "solec " SOLEC_VERSION);
  app.require_subcommand(1);
  Verb chosen;
  AddVerbs(&app, &chosen);
  // Set last: verbs would inherit it.
  app.footer(
      "Try it:  solec chat alice@localhost bob\n"
      "Status:  0 done, 1 failure, 64 usage, 69 server not reachable, 77 not permitted");
  try {
    // CLI11 wants the words of a vector in reverse.
    std::vector<std::string> words;
    for (int i = argc - 1; i > 0; --i) words.push_back(ShieldWord(argv[i]));
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return ReportUsage(app, error);
  }
  const int exit_code = chosen();
  // A full disk shows only when what was printed is written out.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "solec: cannot write to the standard output\n");
    return exit_code == kExitDone ? kExitFailure : exit_code;
  }
  return exit_code;
}

}  // namespace solec

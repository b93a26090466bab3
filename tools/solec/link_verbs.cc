#include "tools/solec/link_verbs.h"

#include <cstdio>

#include "tools/solec/admin_options.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/link_text.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

using Json = nlohmann::json;

struct LinkOptions {
  AdminOptions admin;
  std::string name;
};

// A test lasts as long as the server's login_timeout at most, and looks up a name before that.
constexpr const char* kTestTimeout = "60s";

// An array of the answer; empty if it is not there.
Json ArrayOf(const Json& answer, const char* key) {
  const auto found = answer.find(key);
  return found != answer.end() && found->is_array() ? *found : Json::array();
}

void PrintEach(const Json& objects) {
  for (const Json& object : objects) {
    std::printf("%s\n",
                SafeJson(object.dump(-1, ' ', false, Json::error_handler_t::replace)).c_str());
  }
}

int RunList(const LinkOptions& options) {
  absl::StatusOr<AdminClient> admin = ConnectAdmin(options.admin);
  if (!admin.ok()) return ReportFailure(admin.status());
  const absl::StatusOr<Json> answer = admin->Ask(Json{{"command", "link list"}});
  if (!answer.ok()) return ReportFailure(answer.status());
  const Json links = ArrayOf(*answer, "links");
  if (options.admin.json) {
    PrintEach(links);
  } else if (links.empty()) {
    std::fprintf(stderr, "solec: the server's configuration has no [[peer]]\n");
  } else {
    std::printf("%s", LinkTableText(links).c_str());
  }
  return kExitDone;
}

// Empty if it is not there, or no text.
std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// The step that failed, or empty.
std::string FailedStep(const Json& steps) {
  for (const Json& step : steps) {
    if (TextOf(step, "result") == "failed") return TextOf(step, "step");
  }
  return "";
}

int RunTest(const LinkOptions& options) {
  absl::StatusOr<AdminClient> admin = ConnectAdmin(options.admin);
  if (!admin.ok()) return ReportFailure(admin.status());
  const absl::StatusOr<Json> answer =
      admin->Ask(Json{{"command", "link test"}, {"name", options.name}});
  if (!answer.ok()) return ReportFailure(answer.status());
  const Json steps = ArrayOf(*answer, "steps");
  if (options.admin.json) {
    PrintEach(steps);
  } else {
    std::printf("%s", LinkStepsText(steps).c_str());
  }
  const auto passed = answer->find("passed");
  if (passed != answer->end() && passed->is_boolean() && passed->get<bool>()) return kExitDone;
  const std::string failed = FailedStep(steps);
  const std::string text = "the link to " + options.name +
                           (failed.empty() ? " could not be tested" : " fails at: " + failed);
  std::fprintf(stderr, "solec: %s\n", SafeLine(text).c_str());
  // Nobody is there, against somebody who will not have us.
  return failed == "name" || failed == "tcp" ? kExitUnavailable : kExitFailure;
}

}  // namespace

void AddLinkVerbs(CLI::App* link, Verb* chosen) {
  AddVerb<LinkOptions>(
      link, chosen, "list", "List the peers, their links, and what waits for them",
      [](CLI::App* verb, LinkOptions* options) { AddAdminOptions(verb, &options->admin); },
      RunList);
  AddVerb<LinkOptions>(
      link, chosen, "test", "Try to reach a peer, and name the step that fails",
      [](CLI::App* verb, LinkOptions* options) {
        options->admin.timeout = kTestTimeout;
        AddAdminOptions(verb, &options->admin);
        verb->get_option("--timeout")->description("How long to wait for the result [60s]");
        verb->add_option("NAME", options->name, "The peer's name, as in [[peer]]")
            ->required()
            ->type_name("");
      },
      RunTest);
}

}  // namespace solec

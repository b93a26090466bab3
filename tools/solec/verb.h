// A verb of the command line: registered with CLI11, and carried out after the whole line has been
// parsed, so that a wrong flag anywhere stops everything.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"

namespace solec {

// Carries a verb out and returns the exit code.
using Verb = std::function<int()>;

// Adds the verb `name` to `app`. `add_options(verb, options)` registers its flags; if the verb is
// chosen, `chosen` is set to call `run(options)`.
template <class Options, class AddOptions, class Run>
void AddVerb(CLI::App* app, Verb* chosen, const std::string& name, const std::string& description,
             AddOptions add_options, Run run) {
  CLI::App* const verb = app->add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  add_options(verb, options.get());
  verb->callback([chosen, options, run] { *chosen = [options, run] { return run(*options); }; });
}

}  // namespace solec

#include "tools/solec/contact_verbs.h"

#include <cstdio>

#include "proto/address.h"
#include "tools/solec/account_options.h"
#include "tools/solec/event_text.h"
#include "tools/solec/exit_code.h"
#include "tools/solec/safe_text.h"

namespace solec {
namespace {

struct ContactOptions {
  AccountOptions account;
  std::string address;
};

using Change = absl::Status (Client::*)(std::string_view);

// Does one thing to one address, and says `done` about it.
int RunChange(const ContactOptions& options, Change change, bool of_channel, const char* done) {
  Address address;
  if (!ParseAddress(options.address, &address) || address.is_channel() != of_channel) {
    return ReportFailure(absl::InvalidArgumentError(
        "'" + options.address + "' is no " +
        (of_channel ? "channel; write for example '#room' or '#room@b.example', in quotes for the "
                      "shell"
                    : "user's address; write for example bob or bob@b.example")));
  }
  const absl::StatusOr<std::unique_ptr<Client>> client = LogIn(options.account);
  if (!client.ok()) return ReportFailure(client.status());
  const absl::Status status = ((**client).*change)(options.address);
  if (!status.ok()) return ReportFailure(status);
  if (options.account.json) {
    std::printf("%s\n", ListEntryJson({.address = options.address}, done, "").c_str());
  } else {
    std::printf("%s %s\n", done, SafeLine(options.address).c_str());
  }
  return kExitDone;
}

// A kind of list and its words for people and for programs.
struct ListWords {
  ListKind kind;
  const char* type;    // of the JSON objects
  const char* flag;    // what the flag means in them; empty: nothing
  const char* agreed;  // remarks for people
  const char* otherwise;
  const char* none;
};

constexpr ListWords kContacts{ListKind::kContacts,
                              "contact",
                              "agreed",
                              "",
                              "has not added you yet",
                              "there are no contacts yet; add one: solec contact add"};
constexpr ListWords kChannels{
    ListKind::kChannels, "channel", "", "", "", "no channel is joined yet; join one: solec join"};
constexpr ListWords kMembers{ListKind::kMembers, "member", "online",
                             "online",           "",       "the channel has no members"};

int RunList(const ContactOptions& options, const ListWords& words) {
  const absl::StatusOr<std::unique_ptr<Client>> client = LogIn(options.account);
  if (!client.ok()) return ReportFailure(client.status());
  const absl::StatusOr<std::vector<ListEntry>> entries =
      (*client)->List(words.kind, options.address);
  if (!entries.ok()) return ReportFailure(entries.status());
  for (const ListEntry& entry : *entries) {
    const std::string line = options.account.json
                                 ? ListEntryJson(entry, words.type, words.flag)
                                 : ListEntryText(entry, words.agreed, words.otherwise);
    std::printf("%s\n", line.c_str());
  }
  if (entries->empty()) std::fprintf(stderr, "solec: %s\n", words.none);
  return kExitDone;
}

constexpr const char* kQuoteIt = "The shell takes # for a comment: write '#room'";

void AddChange(CLI::App* app, Verb* chosen, const std::string& name, const std::string& description,
               const std::string& address, Change change, const char* done) {
  const bool of_channel = address == "CHANNEL";
  AddVerb<ContactOptions>(
      app, chosen, name, description,
      [&](CLI::App* verb, ContactOptions* options) {
        AddAccountOptions(verb, &options->account);
        verb->add_option(address, options->address)->required()->type_name("");
        if (of_channel) verb->footer(kQuoteIt);
      },
      [change, of_channel, done](const ContactOptions& options) {
        return RunChange(options, change, of_channel, done);
      });
}

void AddList(CLI::App* app, Verb* chosen, const std::string& name, const std::string& description,
             const std::string& address, const ListWords& words) {
  AddVerb<ContactOptions>(
      app, chosen, name, description,
      [&](CLI::App* verb, ContactOptions* options) {
        AddAccountOptions(verb, &options->account);
        if (address.empty()) return;
        verb->add_option(address, options->address)->required()->type_name("");
        verb->footer(kQuoteIt);
      },
      [&words](const ContactOptions& options) { return RunList(options, words); });
}

}  // namespace

void AddContactVerbs(CLI::App* app, Verb* chosen) {
  AddChange(app, chosen, "join", "Join a channel, to receive and send its messages", "CHANNEL",
            &Client::Join, "joined");
  AddChange(app, chosen, "leave", "Leave a channel", "CHANNEL", &Client::Leave, "left");
  CLI::App* const contact = app->add_subcommand(
      "contact", "The users you exchange messages with; each has to add the other");
  contact->require_subcommand(1);
  AddChange(contact, chosen, "add", "Add a contact", "ADDRESS", &Client::ContactAdd, "added");
  AddChange(contact, chosen, "remove", "Remove a contact", "ADDRESS", &Client::ContactRemove,
            "removed");
  AddList(contact, chosen, "list", "List the contacts", "", kContacts);
  AddList(app, chosen, "channels", "List the channels you have joined", "", kChannels);
  AddList(app, chosen, "members", "List the members of a channel", "CHANNEL", kMembers);
}

}  // namespace solec

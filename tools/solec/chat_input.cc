#include "tools/solec/chat_input.h"

namespace solec {
namespace {

struct Word {
  std::string_view word;
  ChatVerb verb;
};

constexpr Word kWords[] = {
    {"to", ChatVerb::kTo},
    {"join", ChatVerb::kJoin},
    {"leave", ChatVerb::kLeave},
    {"add", ChatVerb::kAdd},
    {"remove", ChatVerb::kRemove},
    {"contacts", ChatVerb::kContacts},
    {"channels", ChatVerb::kChannels},
    {"members", ChatVerb::kMembers},
    {"history", ChatVerb::kHistory},
    {"help", ChatVerb::kHelp},
    {"quit", ChatVerb::kQuit},
    {"exit", ChatVerb::kQuit},
};

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

ChatInput ParseChatInput(std::string_view line) {
  const std::string_view text = Trimmed(line);
  if (text.empty()) return {ChatVerb::kNothing, text};
  if (!text.starts_with('/')) return {ChatVerb::kSay, text};
  if (text.starts_with("//")) return {ChatVerb::kSay, text.substr(1)};
  const size_t blank = text.find_first_of(" \t");
  const std::string_view word = text.substr(1, blank == text.npos ? blank : blank - 1);
  const std::string_view argument = blank == text.npos ? "" : Trimmed(text.substr(blank));
  for (const Word& known : kWords) {
    if (known.word == word) return {known.verb, argument};
  }
  return {ChatVerb::kUnknown, word};
}

std::string_view ChatHelp() {
  return "/to ADDRESS      write to bob@a.example, or to #room@a.example; bob: your own server\n"
         "/add ADDRESS     add a contact; the other has to add you too\n"
         "/remove ADDRESS  remove a contact\n"
         "/join CHANNEL    join a channel and write to it\n"
         "/leave [CHANNEL] leave it\n"
         "/contacts        list your contacts\n"
         "/channels        list the channels you have joined\n"
         "/members [CHANNEL]  list a channel's members\n"
         "/history [N]     show the last N messages here\n"
         "/quit            leave (or Ctrl-C, or Ctrl-D)\n"
         "//text           send a text that begins with a slash";
}

}  // namespace solec

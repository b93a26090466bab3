// What a line typed into `solec chat` asks for. Pure.
#pragma once

#include <string_view>

namespace solec {

enum class ChatVerb {
  kNothing,  // a blank line
  kSay,      // argument: the text
  kTo,
  kJoin,
  kLeave,
  kAdd,
  kRemove,
  kContacts,
  kChannels,
  kMembers,
  kHistory,
  kHelp,
  kQuit,
  kUnknown,  // argument: the word after the slash
};

struct ChatInput {
  ChatVerb verb;
  std::string_view argument;  // into the line; without blanks around it
};

// A line that begins with / is a command, unless it begins with // : then it is a text that begins
// with one slash.
ChatInput ParseChatInput(std::string_view line);

// The commands, a line each.
std::string_view ChatHelp();

}  // namespace solec

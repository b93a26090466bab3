// The service address: users whose client knows only plain messages manage contacts and channels by
// lines of text to `server`. One line of a message is one command and gets one line of answer.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "proto/constants.h"

namespace solec {

// What a client can ask for, by request or by a line to the service address.
enum class RequestKind : uint8_t {
  kJoin,
  kLeave,
  kContactAdd,
  kContactRemove,
  kListContacts,
  kListChannels,
  kListMembers,
  kHistory,
  kHelp,     // service lines only
  kUnknown,  // service lines only: answered with a hint
};

struct ServiceCommand {
  RequestKind kind = RequestKind::kUnknown;
  std::string_view word;      // the command as typed
  std::string_view argument;  // the address, if any
  uint32_t count = 0;         // kHistory: how many messages; 0: it does not say
};

// The most lines of one message that are carried out; the rest is answered with a hint.
inline constexpr size_t kServiceLinesMax = 64;

ServiceCommand ParseServiceLine(std::string_view line);

// Takes the next line off `text`, without its end.
std::string_view TakeLine(std::string_view* text);

// The answer to a command that gives no list.
std::string ServiceAnswer(const ServiceCommand& command, ErrorCode code);

// How the line of a list begins: "contacts: ". Items follow, separated by ", ".
std::string ServiceListHead(const ServiceCommand& command);

// One message of a history, on one line: "bob: hello".
std::string ServiceHistoryItem(std::string_view source, std::string_view content);

// One item of a list: its address, and what its flags mean.
std::string ServiceListItem(RequestKind kind, std::string_view address, uint8_t flags);

}  // namespace solec

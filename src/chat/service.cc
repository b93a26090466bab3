#include "chat/service.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace solec {
namespace {

constexpr std::string_view kHelpText =
    "join #room, leave #room, add bob@example.org, remove bob@example.org, contacts, channels, "
    "members #room, history bob 20, help";

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view TakeWord(std::string_view* text) {
  *text = Trim(*text);
  const size_t end = text->find_first_of(" \t");
  const std::string_view word = text->substr(0, end);
  text->remove_prefix(word.size());
  *text = Trim(*text);
  return word;
}

struct Verb {
  std::string_view word;
  RequestKind kind;
  bool takes_address;
};

constexpr Verb kVerbs[] = {
    {"join", RequestKind::kJoin, true},
    {"leave", RequestKind::kLeave, true},
    {"add", RequestKind::kContactAdd, true},
    {"remove", RequestKind::kContactRemove, true},
    {"contacts", RequestKind::kListContacts, false},
    {"channels", RequestKind::kListChannels, false},
    {"members", RequestKind::kListMembers, true},
    {"history", RequestKind::kHistory, true},
    {"help", RequestKind::kHelp, false},
};

std::string_view CodeText(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "done";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kOverLimit:
      return "over a limit";
    case ErrorCode::kNotAllowed:  // only a history where none is kept
      return "this server keeps no history";
    default:
      return "not possible at the moment, try again later";
  }
}

}  // namespace

std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

ServiceCommand ParseServiceLine(std::string_view line) {
  ServiceCommand command;
  command.word = TakeWord(&line);
  for (const Verb& verb : kVerbs) {
    if (verb.word != command.word) continue;
    command.argument = TakeWord(&line);
    if (verb.kind == RequestKind::kHistory) {
      const std::string_view count = TakeWord(&line);
      const char* const end = count.data() + count.size();
      const auto parsed = std::from_chars(count.data(), end, command.count);
      if (!count.empty() && (parsed.ec != std::errc() || parsed.ptr != end)) return command;
    }
    // Half a command is not carried out: `join #a #b` joins neither.
    if (command.argument.size() > kAddressBytesMax || !line.empty()) return command;
    if (verb.takes_address == !command.argument.empty()) command.kind = verb.kind;
  }
  return command;
}

std::string ServiceAnswer(const ServiceCommand& command, ErrorCode code) {
  if (command.kind == RequestKind::kHelp) return std::string(kHelpText);
  if (command.kind == RequestKind::kUnknown) {
    return "unknown command; try: help";
  }
  std::string answer(command.word);
  if (!command.argument.empty()) answer.append(" ").append(command.argument);
  return answer.append(": ").append(CodeText(code));
}

std::string ServiceListHead(const ServiceCommand& command) {
  std::string head(command.word);
  if (!command.argument.empty()) head.append(" ").append(command.argument);
  return head.append(": ");
}

std::string ServiceHistoryItem(std::string_view source, std::string_view content) {
  std::string item(source.substr(0, source.find('@')));
  item.append(": ").append(content);
  // One line of a question gets one line of answer.
  std::replace(item.begin(), item.end(), '\n', ' ');
  std::replace(item.begin(), item.end(), '\r', ' ');
  return item;
}

std::string ServiceListItem(RequestKind kind, std::string_view address, uint8_t flags) {
  std::string item(address);
  const bool set = (flags & kListItemAgreed) != 0;
  if (kind == RequestKind::kListContacts && !set) item.append(" (has not added you)");
  if (kind == RequestKind::kListMembers && set) item.append(" (online)");
  return item;
}

}  // namespace solec

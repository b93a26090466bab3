#include "chat/service.h"

#include <gtest/gtest.h>

#include <vector>

namespace solec {
namespace {

struct Line {
  std::string_view text;
  RequestKind kind;
  std::string_view argument;
};

TEST(ServiceLine, IsOneOfTheCommandsOfTheProtocol) {
  const Line kCases[] = {
      {"join #room", RequestKind::kJoin, "#room"},
      {"leave #room@b.example", RequestKind::kLeave, "#room@b.example"},
      {"add bob@example.org", RequestKind::kContactAdd, "bob@example.org"},
      {"remove bob", RequestKind::kContactRemove, "bob"},
      {"contacts", RequestKind::kListContacts, ""},
      {"channels", RequestKind::kListChannels, ""},
      {"members #room", RequestKind::kListMembers, "#room"},
      {"history bob 20", RequestKind::kHistory, "bob"},
      {"history bob", RequestKind::kHistory, "bob"},
      {"help", RequestKind::kHelp, ""},
      {"  \tjoin \t #room \r", RequestKind::kJoin, "#room"},
      {"contacts\r", RequestKind::kListContacts, ""},
  };
  for (const Line& line : kCases) {
    const ServiceCommand command = ParseServiceLine(line.text);
    EXPECT_EQ(command.kind, line.kind) << line.text;
    EXPECT_EQ(command.argument, line.argument) << line.text;
  }
}

TEST(ServiceLine, WithoutItsAddressOrWithOneTooManyIsUnknown) {
  for (const std::string_view text :
       {"", " ", "\r", "join", "leave ", "add", "remove\t", "members", "history", "contacts bob",
        "channels #room", "help me", "Join #room", "joinx #room", "join#room", "hello"}) {
    EXPECT_EQ(ParseServiceLine(text).kind, RequestKind::kUnknown) << text;
  }
}

TEST(ServiceLine, WithMoreThanItTakesIsUnknownSoThatNothingIsDoneByHalf) {
  for (const std::string_view text : {"join #a #b", "leave #a b", "add bob carol",
                                      "remove bob please", "members #a #b", "history bob 20 30"}) {
    EXPECT_EQ(ParseServiceLine(text).kind, RequestKind::kUnknown) << text;
  }
}

TEST(ServiceLine, AnArgumentLongerThanAnyAddressIsUnknown) {
  const std::string longest(kAddressBytesMax, 'x');
  EXPECT_EQ(ParseServiceLine("add " + longest).kind, RequestKind::kContactAdd);
  EXPECT_EQ(ParseServiceLine("add " + longest + "x").kind, RequestKind::kUnknown);
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(TakeLine(&text));
  return lines;
}

TEST(ServiceLine, LinesAreTakenWithoutTheirEnds) {
  using Expected = std::vector<std::string_view>;
  EXPECT_EQ(Lines(""), Expected{});
  EXPECT_EQ(Lines("a"), Expected{"a"});
  EXPECT_EQ(Lines("a\n"), Expected{"a"});
  EXPECT_EQ(Lines("\n"), Expected{""});
  EXPECT_EQ(Lines("a\r\n\nb"), (Expected{"a\r", "", "b"}));
}

TEST(ServiceAnswer, RepeatsTheCommandAndSaysWhatBecameOfIt) {
  const ServiceCommand join = ParseServiceLine("  join  #room ");
  EXPECT_EQ(ServiceAnswer(join, ErrorCode::kNone), "join #room: done");
  EXPECT_EQ(ServiceAnswer(join, ErrorCode::kNotFound), "join #room: not found");
  EXPECT_EQ(ServiceAnswer(join, ErrorCode::kOverLimit), "join #room: over a limit");
  EXPECT_EQ(ServiceAnswer(join, ErrorCode::kUnavailable),
            "join #room: not possible at the moment, try again later");
  const ServiceCommand history = ParseServiceLine("history bob 20");
  EXPECT_EQ(ServiceAnswer(history, ErrorCode::kNotAllowed),
            "history bob: this server keeps no history");
  EXPECT_EQ(ServiceAnswer(history, ErrorCode::kUnavailable),
            "history bob: not possible at the moment, try again later");
}

TEST(ServiceAnswer, IsOneLineWhateverWasTyped) {
  for (const std::string_view text : {"help", "hello", "join #room", "history bob", ""}) {
    for (const ErrorCode code : {ErrorCode::kNone, ErrorCode::kNotFound, ErrorCode::kTooSlow}) {
      const std::string answer = ServiceAnswer(ParseServiceLine(text), code);
      EXPECT_FALSE(answer.empty());
      EXPECT_EQ(answer.find('\n'), std::string::npos) << text;
    }
  }
}

TEST(ServiceAnswer, HelpNamesEveryCommand) {
  const std::string help = ServiceAnswer(ParseServiceLine("help"), ErrorCode::kNone);
  for (const std::string_view word :
       {"join", "leave", "add", "remove", "contacts", "channels", "members", "history", "help"}) {
    EXPECT_NE(help.find(word), std::string::npos) << word;
  }
  EXPECT_NE(ServiceAnswer(ParseServiceLine("what?"), ErrorCode::kNone).find("help"),
            std::string::npos);
}

TEST(ServiceList, MarksWhatItsFlagMeans) {
  EXPECT_EQ(ServiceListHead(ParseServiceLine("contacts")), "contacts: ");
  EXPECT_EQ(ServiceListHead(ParseServiceLine("members #room")), "members #room: ");
  EXPECT_EQ(ServiceListItem(RequestKind::kListContacts, "bob@x", kListItemAgreed), "bob@x");
  EXPECT_EQ(ServiceListItem(RequestKind::kListContacts, "bob@x", 0), "bob@x (has not added you)");
  EXPECT_EQ(ServiceListItem(RequestKind::kListMembers, "bob@x", kListItemAgreed), "bob@x (online)");
  EXPECT_EQ(ServiceListItem(RequestKind::kListMembers, "bob@x", 0), "bob@x");
  EXPECT_EQ(ServiceListItem(RequestKind::kListChannels, "#a@x", kListItemAgreed), "#a@x");
}

}  // namespace
}  // namespace solec

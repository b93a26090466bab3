#include "client/client_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/codec.h"

namespace solec {
namespace {

template <class... P>
std::string Frames(const P&... payloads) {
  std::string bytes;
  (AppendFrame(payloads, &bytes), ...);
  return bytes;
}

// One line for one event, so that whole sessions can be compared.
std::string Line(const SessionEvent& event) {
  return std::visit(
      [](const auto& payload) {
        std::string line(std::remove_cvref_t<decltype(payload)>::kName);
        ForEachField(payload, [&](std::string_view, const auto& value) {
          line += '|';
          using T = std::remove_cvref_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::string_view>) {
            line += value;
          } else if constexpr (std::is_same_v<T, Timestamp>) {
            line += std::to_string(value.seconds);
          } else {
            line += std::to_string(static_cast<uint64_t>(value));
          }
        });
        return line;
      },
      event);
}

void TakeAll(ClientSession* session, std::vector<std::string>* lines) {
  SessionEvent event;
  while (session->Next(&event)) lines->push_back(Line(event));
}

void Feed(ClientSession* session, std::string_view bytes, std::vector<std::string>* lines) {
  session->Receive(AsBytes(bytes));
  TakeAll(session, lines);
}

// A session that is logged in and has sent `messages` messages, with its output thrown away.
ClientSession OpenSession(uint32_t features, int messages = 0) {
  ClientSession session;
  EXPECT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  Feed(&session, Frames(Handshake{.features = features}, Success{}), &lines);
  EXPECT_TRUE(session.logged_in());
  for (int i = 0; i < messages; ++i) EXPECT_TRUE(session.SendMessage("bob", "text", {}));
  session.ConsumeOutput(session.output().size());
  return session;
}

// Everything that a server may send, with what a client makes of it.
const std::string kRecorded =
    Frames(Test{}, Handshake{.features = kClientFeatures}, Success{},
           Message{"bob@a", "alice@a", {7}, "hello"}, Test{}, Accepted{2},
           Rejected{3, ErrorCode::kNotFound}, Bounce{"carol@b", {9}, ErrorCode::kUnavailable},
           Ping{77}, Pong{5}, ListItem{1, "bob@a", kListItemAgreed}, Result{1, ErrorCode::kNone},
           HistoryItem{2, 40, "bob@a", "alice@a", {6}, "old"}, Result{2, ErrorCode::kNone},
           Error{ErrorCode::kShuttingDown});

const std::vector<std::string> kExpected = {"Success",
                                            "Message|bob@a|alice@a|7|hello",
                                            "Accepted|2",
                                            "Rejected|3|2",
                                            "Bounce|carol@b|9|67",
                                            "Pong|5",
                                            "ListItem|1|bob@a|1",
                                            "Result|1|0",
                                            "HistoryItem|2|40|bob@a|alice@a|6|old",
                                            "Result|2|0",
                                            "Error|68"};

// Messages can be sent only once the login is done, so the three that the recorded bytes answer
// for are sent at the first chance.
void FeedRecorded(ClientSession* session, std::string_view piece, std::vector<std::string>* lines) {
  session->Receive(AsBytes(piece));
  SessionEvent event;
  while (session->Next(&event)) {
    lines->push_back(Line(event));
    if (!std::holds_alternative<Success>(event)) continue;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(session->SendMessage("bob", "x", {}));
    session->ConsumeOutput(session->output().size());
  }
}

TEST(ClientSession, GivesTheSameEventsWhereverTheBytesAreCut) {
  for (size_t cut = 0; cut <= kRecorded.size(); ++cut) {
    ClientSession session;
    ASSERT_TRUE(session.Login("alice", "secret"));
    std::vector<std::string> lines;
    FeedRecorded(&session, std::string_view(kRecorded).substr(0, cut), &lines);
    FeedRecorded(&session, std::string_view(kRecorded).substr(cut), &lines);
    EXPECT_EQ(lines, kExpected) << "cut at " << cut;
    EXPECT_EQ(session.failure(), SessionFailure::kNone);
    EXPECT_EQ(AsString(session.output()), Frames(Pong{77})) << "cut at " << cut;
  }
}

TEST(ClientSession, GivesTheSameEventsByteByByte) {
  ClientSession session;
  ASSERT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  for (char byte : kRecorded) FeedRecorded(&session, std::string_view(&byte, 1), &lines);
  EXPECT_EQ(lines, kExpected);
}

TEST(ClientSession, BeginsWithHandshakeAndLoginInOneGo) {
  ClientSession session(kFeatureReceipts);
  ASSERT_TRUE(session.Login("alice", "secret"));
  EXPECT_EQ(AsString(session.output()),
            Frames(Handshake{.features = kFeatureReceipts}, UserAuth{"alice", "secret"}));
}

TEST(ClientSession, SendsTheShortHandshakeWhenNoFeatureIsWanted) {
  const ClientSession session(0);
  EXPECT_EQ(AsString(session.output()), Frames(Handshake{}));
}

TEST(ClientSession, WorksWithAServerThatKnowsNoFeatures) {
  ClientSession session;
  ASSERT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  Feed(&session, Frames(Success{}), &lines);
  EXPECT_TRUE(session.logged_in());
  EXPECT_EQ(session.features(), 0u);
}

TEST(ClientSession, NeverAgreesToAFeatureThatItDidNotAskFor) {
  ClientSession session(kFeaturePing);
  ASSERT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  Feed(&session, Frames(Handshake{.features = 0xFFFFFFFF}), &lines);
  EXPECT_EQ(session.features(), uint32_t{kFeaturePing});
}

TEST(ClientSession, SaysAfterTheLoginThatItAnswersMessages) {
  for (const uint32_t features : {uint32_t{0}, uint32_t{kFeatureReceipts}}) {
    ClientSession session;
    ASSERT_TRUE(session.Login("alice", "secret"));
    session.ConsumeOutput(session.output().size());
    std::vector<std::string> lines;
    Feed(&session, Frames(Handshake{.features = features}, Success{}), &lines);
    const std::string expected = features == 0 ? std::string() : Frames(Accepted{0});
    EXPECT_EQ(AsString(session.output()), expected);
  }
}

TEST(ClientSession, MayTryToLogInAgain) {
  ClientSession session;
  ASSERT_TRUE(session.Login("alice", "wrong"));
  session.ConsumeOutput(session.output().size());
  std::vector<std::string> lines;
  Feed(&session, Frames(Handshake{.features = 0}, Error{ErrorCode::kUserAuthFailed}), &lines);
  EXPECT_EQ(lines, std::vector<std::string>{"Error|1"});
  EXPECT_FALSE(session.logged_in());
  ASSERT_TRUE(session.Login("alice", "right"));
  EXPECT_EQ(AsString(session.output()), Frames(UserAuth{"alice", "right"}));
  Feed(&session, Frames(Success{}), &lines);
  EXPECT_TRUE(session.logged_in());
}

TEST(ClientSession, EndsAtAnotherMajorVersion) {
  ClientSession session;
  ASSERT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  Feed(&session, Frames(Handshake{.ver_major = kVersionMajor + 1, .features = 0}), &lines);
  EXPECT_EQ(session.failure(), SessionFailure::kVersion);
}

TEST(ClientSession, EndsAtAMalformedPayloadAndStaysEnded) {
  ClientSession session = OpenSession(kClientFeatures);
  std::vector<std::string> lines;
  Feed(&session, std::string("\x05\x00\x01x", 4) + Frames(Message{"b@a", "a@a", {}, "late"}),
       &lines);
  EXPECT_EQ(session.failure(), SessionFailure::kMalformed);
  Feed(&session, Frames(Message{"b@a", "a@a", {}, "later"}), &lines);
  EXPECT_TRUE(lines.empty());
}

TEST(ClientSession, EndsAtPayloadsThatAServerMayNotSend) {
  const std::vector<std::string> forbidden = {
      Frames(UserAuth{"a", "b"}), Frames(ServerAuth{"b"}),          Frames(Join{}),
      Frames(LinkResume{}),       std::string("\0\0\0", 3),         std::string("\x07\0\0", 3),
      Frames(Success{}),          Frames(Handshake{.features = 0}), std::string("\x5F\0\0", 3)};
  for (const std::string& bytes : forbidden) {
    ClientSession session = OpenSession(kClientFeatures);
    std::vector<std::string> lines;
    Feed(&session, bytes, &lines);
    EXPECT_EQ(session.failure(), SessionFailure::kNotAllowed) << int{bytes[0]};
    EXPECT_TRUE(lines.empty());
  }
}

TEST(ClientSession, EndsAtAMessageBeforeSuccess) {
  ClientSession session;
  ASSERT_TRUE(session.Login("alice", "secret"));
  std::vector<std::string> lines;
  Feed(&session, Frames(Message{"b@a", "a@a", {}, "early"}), &lines);
  EXPECT_EQ(session.failure(), SessionFailure::kNotAllowed);
}

TEST(ClientSession, EndsAtPayloadsWhoseFeatureWasNotAgreed) {
  const std::vector<std::string> extensions = {
      Frames(Ping{}),   Frames(Pong{}),   Frames(Accepted{}), Frames(Rejected{}),
      Frames(Bounce{}), Frames(Result{}), Frames(ListItem{}), Frames(HistoryItem{})};
  for (const std::string& bytes : extensions) {
    ClientSession session = OpenSession(0);
    std::vector<std::string> lines;
    Feed(&session, bytes, &lines);
    EXPECT_EQ(session.failure(), SessionFailure::kNotAllowed) << int{bytes[0]};
  }
}

TEST(ClientSession, NumbersItsMessagesFromOne) {
  ClientSession session = OpenSession(kClientFeatures);
  ASSERT_TRUE(session.SendMessage("bob", "one", {1}));
  EXPECT_EQ(session.receipts().sent(), 1u);
  ASSERT_TRUE(session.SendMessage("bob", "two", {2}));
  EXPECT_EQ(session.receipts().sent(), 2u);
  EXPECT_EQ(AsString(session.output()),
            Frames(Message{"", "bob", {1}, "one"}, Message{"", "bob", {2}, "two"}));
}

TEST(ClientSession, EndsAtAnswersForMessagesNeverSent) {
  for (const std::string& bytes : {Frames(Accepted{4}), Frames(Rejected{4, ErrorCode::kNotFound}),
                                   Frames(Rejected{0, ErrorCode::kNotFound})}) {
    ClientSession session = OpenSession(kClientFeatures, 3);
    std::vector<std::string> lines;
    Feed(&session, bytes, &lines);
    EXPECT_EQ(session.failure(), SessionFailure::kWrongNumber);
  }
}

TEST(ClientSession, RefusesWhatDoesNotFitOrIsNotUtf8) {
  ClientSession session = OpenSession(kClientFeatures);
  EXPECT_FALSE(session.SendMessage("bob", std::string(kPayloadBytesMax, 'x'), {}));
  EXPECT_FALSE(session.SendRequest(List{.of = std::string_view("\xC3", 1)}));
  EXPECT_TRUE(session.output().empty());
  EXPECT_EQ(session.receipts().sent(), 0u);
}

TEST(ClientSession, TakesTheLargestFrame) {
  ClientSession session = OpenSession(kClientFeatures);
  const std::string content(kPayloadBytesMax - 14, 'x');
  std::vector<std::string> lines;
  Feed(&session, Frames(Message{"", "", {}, content}), &lines);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "Message|||0|" + content);
}

}  // namespace
}  // namespace solec

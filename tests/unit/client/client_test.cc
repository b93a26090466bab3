#include "client/client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/fake_server.h"

namespace solec {
namespace {

ClientOptions Options() {
  ClientOptions options;
  options.server = {.host = "test.example", .port = 7653};
  options.user = "alice";
  options.password = "secret";
  return options;
}

absl::StatusOr<std::unique_ptr<Client>> LogIn(const FakeServer& server,
                                              const ClientOptions& options = Options()) {
  return Client::Login(Socket(server.client_fd()), options);
}

// The next event, which has to be a T.
template <class T>
T Take(Client* client) {
  absl::StatusOr<std::optional<ClientEvent>> event = client->Next(10'000);
  EXPECT_TRUE(event.ok()) << event.status();
  if (!event.ok() || !event->has_value()) {
    ADD_FAILURE() << "no event";
    return {};
  }
  if (!std::holds_alternative<T>(**event)) {
    ADD_FAILURE() << "another event came: " << (*event)->index();
    return {};
  }
  return std::get<T>(**event);
}

Message Hello(std::string_view content) {
  return {.source = "bob@a", .target = "alice@a", .timestamp = {7}, .message_content = content};
}

TEST(Client, LogsInAndKnowsWhatWasAgreed) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kFeaturePing | kFeatureHistory);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->Has(kFeaturePing));
  EXPECT_FALSE((*client)->Has(kFeatureReceipts));
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, SaysThatNameOrPasswordIsWrong) {
  FakeServer server([](FakePeer& peer) {
    peer.Expect<Handshake>();
    EXPECT_EQ(peer.Expect<UserAuth>().username, "alice");
    peer.Send(Error{ErrorCode::kUserAuthFailed});
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  EXPECT_TRUE(absl::IsPermissionDenied(client.status())) << client.status();
  EXPECT_NE(std::string(client.status().message()).find("alice"), std::string::npos);
}

TEST(Client, SaysThatTheServerHungUpDuringLogin) {
  FakeServer server([](FakePeer& peer) { peer.Expect<Handshake>(); });
  auto client = LogIn(server);
  EXPECT_TRUE(absl::IsUnavailable(client.status())) << client.status();
}

TEST(Client, GivesUpALoginThatDoesNotEnd) {
  FakeServer server([](FakePeer& peer) {
    peer.Expect<Handshake>();
    peer.Expect<UserAuth>();
    peer.HangUpWhenDone();
  });
  ClientOptions options = Options();
  options.login_timeout_ms = 1;
  auto client = LogIn(server, options);
  EXPECT_TRUE(absl::IsUnavailable(client.status())) << client.status();
}

TEST(Client, SaysThatNobodyListens) {
  LoopbackPort nobody;
  ClientOptions options = Options();
  options.server = {.host = "127.0.0.1", .port = nobody.port()};
  auto client = Client::Connect(options);
  EXPECT_TRUE(absl::IsUnavailable(client.status())) << client.status();
  EXPECT_NE(std::string(client.status().message()).find(options.server.ToString()),
            std::string::npos);
}

TEST(Client, ConnectsOverTcp) {
  LoopbackPort listener;
  listener.Listen();
  std::thread server([&listener] {
    const int fd = listener.Accept();
    {
      FakePeer peer(fd);
      peer.LogIn(kClientFeatures);
      peer.HangUpWhenDone();
    }
    close(fd);
  });
  ClientOptions options = Options();
  options.server = {.host = "127.0.0.1", .port = listener.port()};
  auto client = Client::Connect(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->Close().ok());
  server.join();
}

TEST(Client, HandsOutWhatArrivesInOrder) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    peer.Send(Hello("one"));
    peer.Send(Error{ErrorCode::kNotFound});
    peer.Send(Hello("two"));
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto message = Take<ReceivedMessage>(client->get());
  EXPECT_EQ(message.source, "bob@a");
  EXPECT_EQ(message.target, "alice@a");
  EXPECT_EQ(message.timestamp, 7u);
  EXPECT_EQ(message.content, "one");
  EXPECT_EQ(Take<ServerError>(client->get()).code, ErrorCode::kNotFound);
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "two");
  auto nothing = (*client)->Next(0);
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_FALSE(nothing->has_value());
}

TEST(Client, PollHandsOutEverythingThatIsThere) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    peer.SendBytes([] {
      std::string bytes;
      for (int i = 0; i < 3; ++i) AppendFrame(Hello("x"), &bytes);
      return bytes;
    }());
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  int count = 0;
  while (count < 3) {
    ASSERT_TRUE((*client)->Poll(10'000, [&](const ClientEvent&) { ++count; }).ok());
  }
  EXPECT_EQ(count, 3);
}

TEST(Client, SendsWithAnEmptySourceAndWaitsForReceipts) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    const auto message = peer.Expect<Message>();
    EXPECT_EQ(message.source, "");
    EXPECT_EQ(message.target, "bob");
    EXPECT_EQ(message.timestamp.seconds, 99u);
    EXPECT_EQ(message.message_content, "hello");
    peer.Expect<Message>();
    peer.Send(Accepted{2});
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(*(*client)->Send("bob", "hello", 99), 1u);
  EXPECT_EQ(*(*client)->Send("bob", "again", 99), 2u);
  EXPECT_TRUE((*client)->WaitAccepted(2).ok());
  EXPECT_EQ(Take<MessagesAccepted>(client->get()).up_to, 2u);
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, ReportsARejectedMessage) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    for (int i = 0; i < 3; ++i) peer.Expect<Message>();
    peer.Send(Rejected{2, ErrorCode::kNotFound});
    peer.Send(Accepted{3});
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE((*client)->Send("bob", text, 0).ok());
  EXPECT_TRUE((*client)->WaitAccepted(1).ok());
  EXPECT_TRUE(absl::IsNotFound((*client)->WaitAccepted(2)));
  EXPECT_TRUE((*client)->WaitAccepted(3).ok());
  EXPECT_EQ(Take<MessageRejected>(client->get()).number, 2u);
  EXPECT_TRUE(absl::IsInvalidArgument((*client)->WaitAccepted(4)));
}

TEST(Client, AnswersForMessagesOnlyOnceTheProgramHasHandledThem) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    // In one piece, so that they are there together and their receipt can be gathered.
    std::string both;
    AppendFrame(Hello("one"), &both);
    AppendFrame(Hello("two"), &both);
    peer.SendBytes(both);
    // The program takes both, comes back after the second, and gets a third.
    EXPECT_EQ(peer.Expect<Accepted>().up_to, 2u);
    peer.Send(Hello("three"));
    // That one it takes and never comes back for: closing is coming back.
    EXPECT_EQ(peer.Expect<Accepted>().up_to, 3u);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "one");
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "two");
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "three");
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, NeverAnswersForMessagesThatTheProgramDidNotTake) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    peer.Send(Hello("one"));
    peer.Send(Hello("two"));
    EXPECT_EQ(peer.Expect<solec::Join>().channel, "#room");
    peer.Send(Result{1, ErrorCode::kNone});
    // One was taken, one still waits in the client when it leaves.
    EXPECT_EQ(peer.Expect<Accepted>().up_to, 1u);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Join("#room").ok());
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "one");
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, LeavesMessagesToTheServerWhenItDoesNotTakeThem) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    peer.Send(Hello("for a later session"));
    peer.Expect<Message>();
    peer.Send(Accepted{1});
    // No Accepted comes for the message above, not even at the end.
    peer.HangUpWhenDone();
  });
  ClientOptions options = Options();
  options.takes_messages = false;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Send("bob", "hello", 0).ok());
  ASSERT_TRUE((*client)->WaitAccepted(1).ok());
  EXPECT_EQ(Take<MessagesAccepted>(client->get()).up_to, 1u);
  EXPECT_FALSE((*client)->Next(0)->has_value());
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, QueuesOtherEventsWhileARequestWaits) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    const auto list = peer.Expect<solec::List>();
    const uint16_t tag = list.tag;
    EXPECT_EQ(list.kind, ListKind::kMembers);
    EXPECT_EQ(list.of, "#room");
    peer.Send(Hello("before"));
    peer.Send(ListItem{tag, "alice@a", kListItemAgreed});
    peer.Send(Hello("between"));
    peer.Send(ListItem{static_cast<uint16_t>(tag + 1), "stranger@a", 0});
    peer.Send(ListItem{tag, "bob@a", 0});
    peer.Send(Result{static_cast<uint16_t>(tag + 1), ErrorCode::kNotFound});
    peer.Send(Result{tag, ErrorCode::kNone});
    peer.Send(Hello("after"));
    // Accepted is cumulative: how many there are depends on how the messages arrive.
    uint64_t up_to = 0;
    for (int i = 0; i < 3 && up_to < 3; ++i) up_to = peer.Expect<Accepted>().up_to;
    EXPECT_EQ(up_to, 3u);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  auto members = (*client)->List(ListKind::kMembers, "#room");
  ASSERT_TRUE(members.ok()) << members.status();
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[0].address, "alice@a");
  EXPECT_TRUE((*members)[0].agreed);
  EXPECT_EQ((*members)[1].address, "bob@a");
  EXPECT_FALSE((*members)[1].agreed);
  for (const char* text : {"before", "between", "after"}) {
    EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, text);
  }
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, AsksForEachThing) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    EXPECT_EQ(peer.Expect<solec::Join>().channel, "#a");
    peer.Send(Result{1, ErrorCode::kNone});
    EXPECT_EQ(peer.Expect<solec::Leave>().channel, "#b");
    peer.Send(Result{2, ErrorCode::kNotFound});
    EXPECT_EQ(peer.Expect<solec::ContactAdd>().address, "carol@b");
    peer.Send(Result{3, ErrorCode::kOverLimit});
    EXPECT_EQ(peer.Expect<solec::ContactRemove>().address, "dave");
    peer.Send(Result{4, ErrorCode::kUnavailable});
    const auto history = peer.Expect<HistoryRequest>();
    EXPECT_EQ(history.address, "bob");
    EXPECT_EQ(history.after, 17u);
    EXPECT_EQ(history.limit, 3u);
    peer.Send(HistoryItem{5, 18, "bob@a", "alice@a", {6}, "old"});
    peer.Send(Result{5, ErrorCode::kNone});
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->Join("#a").ok());
  EXPECT_TRUE(absl::IsNotFound((*client)->Leave("#b")));
  EXPECT_TRUE(absl::IsResourceExhausted((*client)->ContactAdd("carol@b")));
  EXPECT_TRUE(absl::IsAborted((*client)->ContactRemove("dave")));
  auto history = (*client)->History("bob", 17, 3);
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->size(), 1u);
  EXPECT_EQ((*history)[0].position, 18u);
  EXPECT_EQ((*history)[0].message.content, "old");
}

TEST(Client, SaysWhichFeatureIsMissing) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kFeaturePing);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsUnimplemented((*client)->History("bob", 0, 0).status()));
  EXPECT_TRUE(absl::IsUnimplemented((*client)->Join("#room")));
  EXPECT_TRUE(absl::IsUnimplemented((*client)->WaitAccepted(0)));
}

TEST(Client, GivesUpARequestThatIsNotAnsweredAndForgetsItsLateAnswer) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    const uint16_t first = peer.Expect<solec::Join>().tag;
    const uint16_t second = peer.Expect<solec::Join>().tag;
    EXPECT_NE(first, second);
    peer.Send(Result{first, ErrorCode::kNotFound});
    peer.Send(Result{second, ErrorCode::kNone});
    while (!peer.AtEnd()) continue;
  });
  ClientOptions options = Options();
  options.answer_timeout_ms = 50;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded((*client)->Join("#slow")));
  // On a busy machine even a good answer may come too late, but the wrong one is never taken.
  const absl::Status second = (*client)->Join("#room");
  EXPECT_TRUE(second.ok() || absl::IsDeadlineExceeded(second)) << second;
}

TEST(Client, RefusesToAskWhileItsQueueIsFullAndGoesOnAfterwards) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    for (int i = 0; i < 4; ++i) peer.Send(Hello(std::string(1000, 'x')));
    peer.Expect<solec::Join>();
    peer.Send(Result{1, ErrorCode::kNone});
    while (peer.Expect<Accepted>().up_to < 4 && !testing::Test::HasFailure()) continue;
    peer.HangUpWhenDone();
  });
  ClientOptions options = Options();
  options.queue_bytes_max = 2000;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsResourceExhausted((*client)->Join("#room")));
  for (int i = 0; i < 4; ++i) Take<ReceivedMessage>(client->get());
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, RefusesAnAnswerOverItsBound) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kClientFeatures);
    const uint16_t tag = peer.Expect<HistoryRequest>().tag;
    for (uint64_t i = 1; i <= 5; ++i) {
      peer.Send(HistoryItem{tag, i, "b@a", "a@a", {}, std::string(1000, 'x')});
    }
    peer.Send(Result{tag, ErrorCode::kNone});
    peer.HangUpWhenDone();
  });
  ClientOptions options = Options();
  options.answer_bytes_max = 3000;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsResourceExhausted((*client)->History("b", 0, 0).status()));
}

TEST(Client, RefusesATextThatIsTooLong) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    EXPECT_EQ(peer.Expect<Message>().message_content.size(), kContentBytesMax);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  const std::string text(kContentBytesMax + 1, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument((*client)->Send("bob", text, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument((*client)->Send("bob", "\xFF", 0).status()));
  EXPECT_TRUE((*client)->Send("bob", std::string_view(text).substr(1), 0).ok());
  EXPECT_TRUE((*client)->Close().ok());
}

TEST(Client, AnswersPingsAndSendsItsOwnWhenTheServerIsSilent) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(kFeaturePing);
    peer.Send(Ping{41});
    EXPECT_EQ(peer.Expect<Pong>().token, 41u);
    peer.Send(Pong{peer.Expect<Ping>().token});
    peer.Send(Hello("alive"));
    // Nothing comes any more, not even a Pong.
    while (!peer.AtEnd()) continue;
  });
  ClientOptions options = Options();
  options.ping_interval_ms = 10;
  options.ping_timeout_ms = 500;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "alive");
  const auto end = (*client)->Next(10'000);
  EXPECT_TRUE(absl::IsUnavailable(end.status())) << end.status();
}

TEST(Client, SaysWhyTheServerHungUpAfterHandingOutWhatArrived) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    peer.Send(Hello("last"));
    peer.Send(Error{ErrorCode::kShuttingDown});
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Take<ReceivedMessage>(client->get()).content, "last");
  EXPECT_EQ(Take<ServerError>(client->get()).code, ErrorCode::kShuttingDown);
  const auto end = (*client)->Next(10'000);
  EXPECT_TRUE(absl::IsUnavailable(end.status())) << end.status();
  EXPECT_NE(std::string(end.status().message()).find("shutting down"), std::string::npos);
  EXPECT_FALSE((*client)->Send("bob", "too late", 0).ok());
}

TEST(Client, EndsWhenTheServerBreaksTheProtocol) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    peer.SendBytes(std::string_view("\x06\0\0", 3));
    while (!peer.AtEnd()) continue;
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->Next(10'000).status().code(), absl::StatusCode::kInternal);
}

TEST(Client, CloseHandsOutWhatArrivedMeanwhile) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    peer.Expect<Message>();
    peer.HangUpWhenDone();
    peer.Send(Error{ErrorCode::kNotFound});
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Send("nobody", "hello", 0).ok());
  EXPECT_TRUE((*client)->Close().ok());
  EXPECT_EQ(Take<ServerError>(client->get()).code, ErrorCode::kNotFound);
  EXPECT_EQ((*client)->Next(0).status().code(), absl::StatusCode::kCancelled);
}

TEST(Client, CloseSaysThatTheServerDidNotHangUp) {
  FakeServer server([](FakePeer& peer) {
    peer.LogIn(0);
    EXPECT_TRUE(peer.AtEnd());
    // Stays until the client has closed all of the connection.
    std::string bytes(1 << 20, '\xFF');
    peer.SendBytes(bytes);
  });
  ClientOptions options = Options();
  options.close_timeout_ms = 0;
  auto client = LogIn(server, options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded((*client)->Close()));
}

TEST(Client, KeepsReadingWhileItsOutputIsStuck) {
  // Both sides write more than sockets hold before the server reads anything.
  constexpr int kCount = 100;
  const std::string text(50'000, 'x');
  FakeServer server([&](FakePeer& peer) {
    peer.LogIn(0);
    for (int i = 0; i < kCount; ++i) peer.Send(Hello(text));
    for (int i = 0; i < kCount; ++i) EXPECT_EQ(peer.Expect<Message>().message_content, text);
    peer.HangUpWhenDone();
  });
  auto client = LogIn(server);
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < kCount; ++i) {
    const auto sent = (*client)->Send("bob", text, 0);
    ASSERT_TRUE(sent.ok()) << sent.status();
  }
  for (int i = 0; i < kCount; ++i) Take<ReceivedMessage>(client->get());
  EXPECT_TRUE((*client)->Close().ok());
}

}  // namespace
}  // namespace solec

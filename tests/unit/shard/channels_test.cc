// Channels and requests: sections 8 and 9 of the protocol, and the service address.

#include <algorithm>
#include <string>
#include <vector>

#include "unit/shard/stage.h"

namespace solec {
namespace {

// The answer of one request: its items, and its code.
struct Answer {
  std::vector<std::string> items;  // address, and "+" if its flag is set
  ErrorCode code{};
};

Answer ReadAnswer(SimSession* session, uint16_t tag) {
  Answer answer;
  while (const SimSession::Received* next = session->Next()) {
    const Bytes payload = AsBytes(next->bytes).subspan(kFrameHeaderSize);
    ListItem item;
    Result result;
    if (next->type() == PayloadType::kListItem) {
      EXPECT_EQ(Decode(payload, &item), DecodeError::kNone);
      EXPECT_EQ(item.tag, tag);
      answer.items.push_back(std::string(item.address) + (item.flags != 0 ? "+" : ""));
    } else if (next->type() == PayloadType::kResult) {
      EXPECT_EQ(Decode(payload, &result), DecodeError::kNone);
      EXPECT_EQ(result.tag, tag);
      answer.code = result.code;
      return answer;
    }
  }
  ADD_FAILURE() << "no Result for " << tag;
  return answer;
}

std::string Say(SimSession* session, std::string_view line) {
  session->SendMessage("server", line);
  const auto message = session->Next<Message>();
  EXPECT_TRUE(message) << line;
  if (!message) return "";
  EXPECT_EQ(message->source, "server@a.example");
  return std::string(message->message_content);
}

TEST(ShardCore, SendsAChannelsMessagesToAllSessionsOfMembersButTheSenders) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    for (const char* name : {"alice", "bob"}) stage.world.JoinChannel(name, "#room");
    auto alice = stage.LogIn("alice"), other = stage.LogIn("alice"), bob = stage.LogIn("bob");
    auto carol = stage.LogIn("carol");
    const std::string large(kContentBytesMax, 'x');
    for (const std::string& content : {std::string("hello"), large, std::string("again")}) {
      alice->SendMessage("#room", content);
      ExpectMessage(bob.get(), "alice@a.example", "#room@a.example", content);
      ExpectMessage(other.get(), "alice@a.example", "#room@a.example", content);
    }
    ExpectNothing(alice.get());
    ExpectNothing(carol.get());
  }
}

// Large messages of one turn, and many small ones of different senders, with members elsewhere.
TEST(ShardCore, FitsAChannelsBatchIntoAMailboxWhateverItHolds) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    for (const char* name : {"alice", "bob", "carol", "dave"}) {
      stage.world.JoinChannel(name, "#room");
    }
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob");
    auto carol = stage.LogIn("carol"), dave = stage.LogIn("dave");
    for (int i = 0; i < 3; ++i) alice->SendMessage("#room", std::string(61'000, 'x'));
    for (int i = 0; i < 500; ++i) {
      alice->SendMessage("#room", "");
      bob->SendMessage("#room", "");
    }
    stage.world.RunFor(3'000'000'000);
    EXPECT_EQ(carol->received().size(), 1u + 1'003u);
    EXPECT_EQ(dave->received().size(), 1u + 1'003u);
  }
}

TEST(ShardCore, JoinsAndLeavesChannels) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice", kSimFeatures), bob = stage.LogIn("bob", kSimFeatures);
    alice->Send(Join{1, "", "#room"});
    EXPECT_EQ(ReadAnswer(alice.get(), 1).code, ErrorCode::kNone);
    bob->Send(Join{2, "bob@a.example", "#room@a.example"});
    EXPECT_EQ(ReadAnswer(bob.get(), 2).code, ErrorCode::kNone);
    bob->Send(Join{3, "", "#room"});  // again: it is a member
    EXPECT_EQ(ReadAnswer(bob.get(), 3).code, ErrorCode::kNone);
    alice->SendMessage("#room", "hello");
    ExpectMessage(bob.get(), "alice@a.example", "#room@a.example", "hello");
    bob->Send(Leave{4, "", "#room"});
    EXPECT_EQ(ReadAnswer(bob.get(), 4).code, ErrorCode::kNone);
    alice->SendMessage("#room", "gone");
    bob->Send(Leave{5, "", "#room"});
    EXPECT_EQ(ReadAnswer(bob.get(), 5).code, ErrorCode::kNotFound);
    bob->Send(Join{6, "alice", "#room"});  // nobody joins for somebody else
    EXPECT_EQ(ReadAnswer(bob.get(), 6).code, ErrorCode::kNotFound);
    bob->Send(Join{7, "", "no channel"});
    EXPECT_EQ(ReadAnswer(bob.get(), 7).code, ErrorCode::kNotFound);
    ExpectNothing(bob.get());
  }
}

TEST(ShardCore, LooksAgainWhenAMemberHasLeftOrAChannelIsGone) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    for (const char* name : {"alice", "bob"}) stage.world.JoinChannel(name, "#room");
    auto alice = stage.LogIn("alice"), bob = stage.LogIn("bob"), other = stage.LogIn("alice");
    alice->SendMessage("#room", "one");
    EXPECT_TRUE(bob->Next<Message>());
    EXPECT_TRUE(other->Next<Message>());
    EXPECT_EQ(Say(other.get(), "leave #room"), "leave #room: done");
    alice->SendMessage("#room", "two");
    ExpectError(alice.get(), ErrorCode::kNotFound);
    bob->SendMessage("#room", "three");
    stage.world.RunFor(100'000'000);
    stage.world.Control(ControlKind::kChannelRemove, "#room");
    stage.world.RunFor(100'000'000);
    bob->SendMessage("#room", "four");
    ExpectError(bob.get(), ErrorCode::kNotFound);
    stage.world.JoinChannel("alice", "#room");  // another channel of that name
    alice->SendMessage("#room", "five");
    ExpectNothing(bob.get());
  }
}

TEST(ShardCore, RefusesRequestsOverALimit) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards, [](SimOptions* options) {
      options->limits.contacts_per_user_max = 2;
      options->limits.channels_per_user_max = 1;
      options->limits.members_per_channel_max = 1;
    });
    auto alice = stage.LogIn("alice", kSimFeatures), bob = stage.LogIn("bob", kSimFeatures);
    alice->Send(ContactAdd{1, "carol"});
    EXPECT_EQ(ReadAnswer(alice.get(), 1).code, ErrorCode::kNone);
    alice->Send(ContactAdd{2, "dave"});
    EXPECT_EQ(ReadAnswer(alice.get(), 2).code, ErrorCode::kOverLimit);
    alice->Send(Join{3, "", "#one"});
    EXPECT_EQ(ReadAnswer(alice.get(), 3).code, ErrorCode::kNone);
    alice->Send(Join{4, "", "#two"});
    EXPECT_EQ(ReadAnswer(alice.get(), 4).code, ErrorCode::kOverLimit);
    bob->Send(Join{5, "", "#one"});
    EXPECT_EQ(ReadAnswer(bob.get(), 5).code, ErrorCode::kOverLimit);
  }
}

TEST(ShardCore, CreatesNoChannelByJoiningWhereThePolicyForbidsIt) {
  Stage stage(3, [](SimOptions* options) { options->policy.channels_by_users = false; });
  auto alice = stage.LogIn("alice", kSimFeatures);
  alice->Send(Join{1, "", "#room"});
  EXPECT_EQ(ReadAnswer(alice.get(), 1).code, ErrorCode::kNotFound);
  stage.world.Control(ControlKind::kChannelCreate, "#room");
  alice->Send(Join{2, "", "#room"});
  EXPECT_EQ(ReadAnswer(alice.get(), 2).code, ErrorCode::kNone);
}

TEST(ShardCore, MakesContactsOnBothSides) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto carol = stage.LogIn("carol", kSimFeatures), dave = stage.LogIn("dave", kSimFeatures);
    carol->Send(ContactAdd{1, "dave"});
    EXPECT_EQ(ReadAnswer(carol.get(), 1).code, ErrorCode::kNone);
    carol->Send(List{2, ListKind::kContacts, ""});
    EXPECT_EQ(ReadAnswer(carol.get(), 2).items, std::vector<std::string>{"dave@a.example"});
    dave->Send(ContactAdd{3, "carol@a.example"});
    EXPECT_EQ(ReadAnswer(dave.get(), 3).code, ErrorCode::kNone);
    stage.world.RunFor(10'000'000);
    for (SimSession* session : {carol.get(), dave.get()}) {
      session->Send(List{4, ListKind::kContacts, ""});
      const Answer answer = ReadAnswer(session, 4);
      ASSERT_EQ(answer.items.size(), 1u);
      EXPECT_TRUE(answer.items[0].ends_with("+"));
    }
    carol->SendMessage("dave", "hello");
    ExpectMessage(dave.get(), "carol@a.example", "dave@a.example", "hello");
    dave->Send(ContactRemove{5, "carol"});
    EXPECT_EQ(ReadAnswer(dave.get(), 5).code, ErrorCode::kNone);
    dave->Send(ContactRemove{6, "carol"});
    EXPECT_EQ(ReadAnswer(dave.get(), 6).code, ErrorCode::kNotFound);
  }
}

TEST(ShardCore, ListsMembersPageByPageWithWhoIsOnline) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    constexpr int kMembers = 150;
    std::vector<std::string> expected;
    for (int i = 0; i < kMembers; ++i) {
      const std::string name = "m" + std::to_string(1'000 + i);
      stage.world.AddUser(name);
      stage.world.JoinChannel(name, "#room");
      expected.push_back(name + "@a.example");
    }
    auto online = stage.LogIn("m1100", kSimFeatures);
    expected[100] += "+";
    online->Send(List{9, ListKind::kMembers, "#room"});
    EXPECT_EQ(ReadAnswer(online.get(), 9).items, expected);
    auto alice = stage.LogIn("alice", kSimFeatures);
    alice->Send(List{10, ListKind::kMembers, "#room"});  // members only
    const Answer refused = ReadAnswer(alice.get(), 10);
    EXPECT_EQ(refused.code, ErrorCode::kNotFound);
    EXPECT_TRUE(refused.items.empty());
  }
}

TEST(ShardCore, AnswersUnknownListsWithNotFound) {
  Stage stage(1);
  auto alice = stage.LogIn("alice", kSimFeatures);
  alice->Send(List{1, static_cast<ListKind>(77), ""});
  EXPECT_EQ(ReadAnswer(alice.get(), 1).code, ErrorCode::kNotFound);
}

TEST(ShardCore, CarriesOutLinesToTheServiceAddress) {
  for (const uint32_t shards : kShardCounts) {
    Stage stage(shards);
    auto alice = stage.LogIn("alice");
    EXPECT_EQ(Say(alice.get(), "join #room"), "join #room: done");
    EXPECT_EQ(Say(alice.get(), "channels"), "channels: #room@a.example");
    EXPECT_EQ(Say(alice.get(), "members #room"), "members #room: alice@a.example (online)");
    EXPECT_EQ(Say(alice.get(), "members #other"), "members #other: not found");
    EXPECT_EQ(Say(alice.get(), "add carol\nremove carol\nremove carol\ncontacts"),
              "add carol: done\nremove carol: done\nremove carol: not found\n"
              "contacts: bob@a.example");
    EXPECT_EQ(Say(alice.get(), "leave #room"), "leave #room: done");
    EXPECT_EQ(Say(alice.get(), "channels"), "channels: none");
    EXPECT_NE(Say(alice.get(), "help").find("join #room"), std::string::npos);
    EXPECT_EQ(Say(alice.get(), ""), Say(alice.get(), "nonsense"));
  }
}

}  // namespace
}  // namespace solec

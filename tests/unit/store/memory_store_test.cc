#include "store/memory_store.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "tests/unit/base/seed.h"

namespace solec {
namespace {

constexpr uint64_t kBytesMax = 1 << 20;

using Names = std::vector<std::string>;

class MemoryStoreTest : public testing::Test {
 protected:
  // Runs one request to its end.
  StoreCompletion Run(const std::function<void(StoreDone)>& request) {
    std::optional<StoreCompletion> result;
    request([&](StoreCompletion& completion) { result = std::move(completion); });
    EXPECT_FALSE(result.has_value()) << "completed within the call";
    EXPECT_TRUE(store_.HasCompletions());
    EXPECT_TRUE(store_.Poll());
    EXPECT_TRUE(result.has_value());
    return result.value_or(StoreCompletion{});
  }

  StoreStatus AddUser(std::string_view name, std::string_view hash = "hash") {
    return Run([&](StoreDone done) { store_.AddUser(name, hash, std::move(done)); }).status;
  }
  StoreStatus SetPassword(std::string_view name, std::string_view hash) {
    return Run([&](StoreDone done) { store_.SetPassword(name, hash, std::move(done)); }).status;
  }
  StoreStatus RemoveUser(std::string_view name) {
    return Run([&](StoreDone done) { store_.RemoveUser(name, std::move(done)); }).status;
  }
  StoreCompletion LoadUser(std::string_view name) {
    return Run([&](StoreDone done) { store_.LoadUser(name, std::move(done)); });
  }
  UserRecord User(std::string_view name) {
    StoreCompletion completion = LoadUser(name);
    EXPECT_EQ(completion.status, StoreStatus::kDone) << name;
    return std::get<UserRecord>(completion.value);
  }
  StoreStatus PutContact(std::string_view user, std::string_view address, bool agreed) {
    return Run([&](StoreDone done) { store_.PutContact(user, address, agreed, std::move(done)); })
        .status;
  }
  StoreStatus RemoveContact(std::string_view user, std::string_view address) {
    return Run([&](StoreDone done) { store_.RemoveContact(user, address, std::move(done)); })
        .status;
  }
  StoreStatus PutJoined(std::string_view user, std::string_view channel) {
    return Run([&](StoreDone done) { store_.PutJoined(user, channel, std::move(done)); }).status;
  }
  StoreStatus RemoveJoined(std::string_view user, std::string_view channel) {
    return Run([&](StoreDone done) { store_.RemoveJoined(user, channel, std::move(done)); }).status;
  }
  StoreStatus AddChannel(std::string_view channel) {
    return Run([&](StoreDone done) { store_.AddChannel(channel, std::move(done)); }).status;
  }
  StoreStatus RemoveChannel(std::string_view channel) {
    return Run([&](StoreDone done) { store_.RemoveChannel(channel, std::move(done)); }).status;
  }
  StoreStatus PutMember(std::string_view channel, std::string_view address) {
    return Run([&](StoreDone done) { store_.PutMember(channel, address, std::move(done)); }).status;
  }
  StoreStatus RemoveMember(std::string_view channel, std::string_view address) {
    return Run([&](StoreDone done) { store_.RemoveMember(channel, address, std::move(done)); })
        .status;
  }
  StoreCompletion LoadChannel(std::string_view channel) {
    return Run([&](StoreDone done) { store_.LoadChannel(channel, std::move(done)); });
  }
  Names Members(std::string_view channel) {
    StoreCompletion completion = LoadChannel(channel);
    EXPECT_EQ(completion.status, StoreStatus::kDone) << channel;
    return std::get<ChannelRecord>(completion.value).members;
  }
  Names Users(std::string_view after, size_t limit) {
    return std::get<Names>(
        Run([&](StoreDone done) { store_.ListUsers(after, limit, std::move(done)); }).value);
  }
  Names Channels(std::string_view after, size_t limit) {
    return std::get<Names>(
        Run([&](StoreDone done) { store_.ListChannels(after, limit, std::move(done)); }).value);
  }
  StoreStatus Append(std::string_view user, std::string_view frame, InboxMark delivered = {}) {
    bytes_[std::string(user)] += frame.size();
    std::optional<StoreStatus> result;
    store_.SetKeptHandler([&](const KeepTicket& ticket, StoreStatus status, uint64_t position) {
      EXPECT_EQ(ticket.number, 7u) << "the ticket comes back as it was given";
      EXPECT_EQ(position != 0, status == StoreStatus::kDone);
      result = status;
    });
    KeepTicket ticket;
    ticket.number = 7;
    ticket.count = 1;
    const size_t half = frame.size() / 2;
    store_.KeepDirect({user, "dave@x", AsBytes(frame.substr(0, half)), AsBytes(frame.substr(half)),
                       delivered, bytes_[std::string(user)]},
                      ticket);
    EXPECT_TRUE(store_.Poll());
    return *result;
  }
  WaitingPage Read(std::string_view user, size_t bytes_max, uint64_t after = 0) {
    StoreCompletion completion =
        Run([&](StoreDone done) { store_.ReadWaiting(user, after, bytes_max, std::move(done)); });
    EXPECT_EQ(completion.status, StoreStatus::kDone) << user;
    return std::get<WaitingPage>(completion.value);
  }
  StoreStatus Trim(std::string_view user, InboxMark up_to) {
    return Run([&](StoreDone done) { store_.SetDelivered(user, up_to, std::move(done)); }).status;
  }
  bool HasWaiting(const UserRecord& user) {
    return user.last.position > user.delivered.position;
  }

  std::map<std::string, uint64_t> bytes_;
  MemoryStore store_{kBytesMax};
};

TEST_F(MemoryStoreTest, IsEmptyAtFirst) {
  EXPECT_EQ(store_.ByteCount(), 0u);
  EXPECT_FALSE(store_.HasCompletions());
  EXPECT_FALSE(store_.Poll());
  EXPECT_TRUE(store_.HasRoom());
  EXPECT_EQ(Users("", 10), Names{});
  EXPECT_EQ(LoadUser("alice").status, StoreStatus::kNotFound);
  EXPECT_EQ(LoadChannel("#ops").status, StoreStatus::kNotFound);
}

TEST_F(MemoryStoreTest, KeepsAUserAsItWasPut) {
  EXPECT_EQ(AddUser("alice", "h1"), StoreStatus::kDone);
  EXPECT_EQ(AddUser("alice", "h2"), StoreStatus::kExists);
  EXPECT_EQ(User("alice").password_hash, "h1");
  EXPECT_EQ(SetPassword("alice", "h3"), StoreStatus::kDone);
  EXPECT_EQ(PutContact("alice", "dave@x", false), StoreStatus::kDone);
  EXPECT_EQ(PutContact("alice", "bob@x", true), StoreStatus::kDone);
  EXPECT_EQ(PutContact("alice", "carol@x", false), StoreStatus::kDone);
  EXPECT_EQ(PutContact("alice", "dave@x", true), StoreStatus::kDone) << "changes it";
  EXPECT_EQ(RemoveContact("alice", "carol@x"), StoreStatus::kDone);
  EXPECT_EQ(PutJoined("alice", "#b"), StoreStatus::kDone);
  EXPECT_EQ(PutJoined("alice", "#a"), StoreStatus::kDone);
  EXPECT_EQ(PutJoined("alice", "#a"), StoreStatus::kDone) << "it is there already";
  const UserRecord alice = User("alice");
  EXPECT_EQ(alice.password_hash, "h3");
  ASSERT_EQ(alice.contacts.size(), 2u);
  EXPECT_EQ(alice.contacts[0].address, "bob@x");
  EXPECT_EQ(alice.contacts[1].address, "dave@x");
  EXPECT_TRUE(alice.contacts[1].agreed);
  EXPECT_EQ(alice.channels, (Names{"#a", "#b"}));
  EXPECT_FALSE(HasWaiting(alice));
  EXPECT_EQ(RemoveJoined("alice", "#a"), StoreStatus::kDone);
  EXPECT_EQ(User("alice").channels, Names{"#b"});
}

TEST_F(MemoryStoreTest, SaysNotFoundForWhatIsNotThere) {
  EXPECT_EQ(SetPassword("bob", "h"), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveUser("bob"), StoreStatus::kNotFound);
  EXPECT_EQ(PutContact("bob", "a@x", true), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveContact("bob", "a@x"), StoreStatus::kNotFound);
  EXPECT_EQ(PutJoined("bob", "#a"), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveJoined("bob", "#a"), StoreStatus::kNotFound);
  EXPECT_EQ(Append("bob", "frame"), StoreStatus::kNotFound);
  EXPECT_EQ(Trim("bob", {1, 1}), StoreStatus::kNotFound);
  EXPECT_EQ(Run([&](StoreDone done) { store_.ReadWaiting("bob", 0, 1, std::move(done)); }).status,
            StoreStatus::kNotFound);
  EXPECT_EQ(RemoveChannel("#a"), StoreStatus::kNotFound);
  EXPECT_EQ(PutMember("#a", "a@x"), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveMember("#a", "a@x"), StoreStatus::kNotFound);
  AddUser("alice");
  AddChannel("#b");
  EXPECT_EQ(RemoveContact("alice", "a@x"), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveJoined("alice", "#a"), StoreStatus::kNotFound);
  EXPECT_EQ(RemoveMember("#b", "a@x"), StoreStatus::kNotFound);
}

TEST_F(MemoryStoreTest, KeepsAChannelsMembersInOrder) {
  EXPECT_EQ(AddChannel("#ops"), StoreStatus::kDone);
  EXPECT_EQ(AddChannel("#ops"), StoreStatus::kExists);
  EXPECT_EQ(PutMember("#ops", "bob@x"), StoreStatus::kDone);
  EXPECT_EQ(PutMember("#ops", "alice@x"), StoreStatus::kDone);
  EXPECT_EQ(PutMember("#ops", "bob@x"), StoreStatus::kDone);
  EXPECT_EQ(Members("#ops"), (Names{"alice@x", "bob@x"}));
  EXPECT_EQ(RemoveMember("#ops", "alice@x"), StoreStatus::kDone);
  EXPECT_EQ(Members("#ops"), Names{"bob@x"});
  EXPECT_EQ(RemoveChannel("#ops"), StoreStatus::kDone);
  EXPECT_EQ(LoadChannel("#ops").status, StoreStatus::kNotFound);
}

TEST_F(MemoryStoreTest, ListsInPagesOfAnySize) {
  Names all;
  for (char c = 'a'; c <= 'k'; ++c) all.push_back(std::string(1, c));
  for (auto name = all.rbegin(); name != all.rend(); ++name) {
    AddUser(*name);
    AddChannel("#" + *name);
  }
  for (size_t limit = 1; limit <= all.size() + 1; ++limit) {
    Names users, channels;
    for (Names page = Users("", limit); !page.empty(); page = Users(page.back(), limit)) {
      ASSERT_LE(page.size(), limit);
      users.insert(users.end(), page.begin(), page.end());
    }
    for (Names page = Channels("", limit); !page.empty(); page = Channels(page.back(), limit)) {
      for (const std::string& channel : page) channels.push_back(channel.substr(1));
    }
    EXPECT_EQ(users, all) << limit;
    EXPECT_EQ(channels, all) << limit;
  }
  EXPECT_EQ(Users("cc", 2), (Names{"d", "e"})) << "after a name that is not there";
}

TEST_F(MemoryStoreTest, WaitingFramesComeBackOldestFirstInPages) {
  AddUser("alice");
  EXPECT_TRUE(Read("alice", 100).frames.empty());
  EXPECT_FALSE(Read("alice", 100).more);
  for (const std::string_view frame : {"one", "two", "three"}) Append("alice", frame);
  EXPECT_TRUE(HasWaiting(User("alice")));

  const WaitingPage first = Read("alice", 6);
  EXPECT_EQ(first.frames, "onetwo");
  EXPECT_TRUE(first.more);
  EXPECT_EQ(Read("alice", 6).frames, "onetwo") << "reading forgets nothing";
  Append("alice", "four");
  EXPECT_EQ(Trim("alice", first.up_to), StoreStatus::kDone);

  const WaitingPage second = Read("alice", 100);
  EXPECT_EQ(second.frames, "threefour");
  EXPECT_FALSE(second.more);
  EXPECT_GT(second.up_to.position, first.up_to.position);
  EXPECT_EQ(second.up_to.bytes, 15u);
  EXPECT_EQ(Read("alice", 100, first.up_to.position).frames, "threefour");
  EXPECT_EQ(Read("alice", 100, second.up_to.position).count, 0u);
  EXPECT_EQ(Trim("alice", first.up_to), StoreStatus::kDone) << "once more";
  EXPECT_EQ(Read("alice", 100).frames, "threefour");
  Trim("alice", second.up_to);
  EXPECT_TRUE(Read("alice", 100).frames.empty());
  EXPECT_FALSE(HasWaiting(User("alice")));
}

TEST_F(MemoryStoreTest, APageHoldsOneFrameHoweverLargeItIs) {
  AddUser("alice");
  Append("alice", std::string(1'000, 'x'));
  Append("alice", "small");
  const WaitingPage page = Read("alice", 10);
  EXPECT_EQ(page.frames.size(), 1'000u);
  EXPECT_TRUE(page.more);
}

// A page may be trimmed late: what came meanwhile must not go with it.
TEST_F(MemoryStoreTest, PositionsNeverComeAgain) {
  AddUser("alice");
  Append("alice", "old");
  const WaitingPage page = Read("alice", 100);
  Trim("alice", page.up_to);
  Append("alice", "new");
  Trim("alice", page.up_to);
  EXPECT_EQ(Read("alice", 100).frames, "new");

  RemoveUser("alice");
  AddUser("alice");
  Append("alice", "another alice's");
  Trim("alice", page.up_to);
  EXPECT_EQ(Read("alice", 100).frames, "another alice's");
}

TEST_F(MemoryStoreTest, AMessageBringsTheMarkOfWhatHasArrivedAlong) {
  AddUser("alice");
  Append("alice", "one");
  const InboxMark one = Read("alice", 100).up_to;
  Append("alice", "two", one);
  EXPECT_EQ(Read("alice", 100).frames, "two");
  EXPECT_EQ(User("alice").delivered.position, one.position);
  EXPECT_EQ(User("alice").last.bytes - User("alice").delivered.bytes, 3u);
}

TEST_F(MemoryStoreTest, NothingGoesOverItsBytesAndNothingChangesThen) {
  for (int i = 0; i < 100'000; ++i) {
    if (AddUser("user" + std::to_string(i)) == StoreStatus::kFull) break;
  }
  EXPECT_LE(store_.ByteCount(), kBytesMax);
  const std::string large(2'000, 'x');
  const uint64_t bytes = store_.ByteCount();
  EXPECT_EQ(AddUser(large), StoreStatus::kFull);
  EXPECT_EQ(AddChannel("#" + large), StoreStatus::kFull);
  EXPECT_EQ(PutContact("user0", large, true), StoreStatus::kFull);
  EXPECT_EQ(PutJoined("user0", large), StoreStatus::kFull);
  EXPECT_EQ(SetPassword("user0", large), StoreStatus::kFull);
  EXPECT_EQ(Append("user0", large), StoreStatus::kFull);
  EXPECT_EQ(store_.ByteCount(), bytes);
  const UserRecord user = User("user0");
  EXPECT_EQ(user.password_hash, "hash");
  EXPECT_TRUE(user.contacts.empty());
  EXPECT_TRUE(user.channels.empty());
  EXPECT_FALSE(HasWaiting(user));
  EXPECT_EQ(SetPassword("user0", "h"), StoreStatus::kDone) << "a shorter one always fits";
  EXPECT_LT(store_.ByteCount(), bytes);
  RemoveUser("user1");
  RemoveUser("user2");
  EXPECT_EQ(PutContact("user0", "bob@x", true), StoreStatus::kDone);
}

TEST_F(MemoryStoreTest, AFullStoreRefusesMembersToo) {
  AddChannel("#all");
  int members = 0;
  while (members < 100'000 &&
         PutMember("#all", "user" + std::to_string(members) + "@x") == StoreStatus::kDone) {
    ++members;
  }
  EXPECT_LT(members, 100'000);
  EXPECT_EQ(Members("#all").size(), static_cast<size_t>(members));
  EXPECT_LE(store_.ByteCount(), kBytesMax);
  RemoveChannel("#all");
  EXPECT_EQ(store_.ByteCount(), 0u);
}

TEST_F(MemoryStoreTest, CompletionsComeInOrderAndTheirOwnRequestsInTheNextPoll) {
  std::vector<int> order;
  store_.AddUser("a", "", [&](StoreCompletion&) {
    order.push_back(1);
    store_.AddUser("b", "", [&](StoreCompletion&) { order.push_back(3); });
  });
  store_.LoadUser("a", [&](StoreCompletion& completion) {
    EXPECT_EQ(completion.status, StoreStatus::kDone) << "the one before has taken place";
    order.push_back(2);
  });
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(store_.Poll());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_TRUE(store_.HasCompletions());
  EXPECT_TRUE(store_.Poll());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(store_.Poll());
}

TEST_F(MemoryStoreTest, SaysWhenItsQueueHasNoRoom) {
  int requests = 0;
  while (store_.HasRoom() && requests < 1'000'000) {
    store_.LoadUser("nobody", [](StoreCompletion&) {});
    ++requests;
  }
  EXPECT_LT(requests, 1'000'000);
  EXPECT_TRUE(store_.Poll());
  EXPECT_TRUE(store_.HasRoom());
}

TEST_F(MemoryStoreTest, ItsBytesComeBackToZeroAfterRandomUse) {
  const uint64_t seed = Seed(71);
  SCOPED_TRACE(RepeatWith(seed));
  std::mt19937_64 random(seed);
  std::set<std::string> users, channels;
  const auto name = [&](const char* prefix) { return prefix + std::to_string(random() % 40); };
  for (int step = 0; step < 30'000; ++step) {
    const std::string user = name("u"), address = name("a"), channel = name("#c");
    switch (random() % 13) {
      case 0:
        if (AddUser(user, std::string(random() % 90, 'h')) == StoreStatus::kDone) {
          users.insert(user);
        }
        break;
      case 1:
        if (random() % 4 == 0 && RemoveUser(user) == StoreStatus::kDone) users.erase(user);
        break;
      case 2:
        SetPassword(user, std::string(random() % 90, 'p'));
        break;
      case 3:
        PutContact(user, address, random() % 2 == 0);
        break;
      case 4:
        RemoveContact(user, address);
        break;
      case 5:
        PutJoined(user, channel);
        break;
      case 6:
        RemoveJoined(user, channel);
        break;
      case 7:
        if (AddChannel(channel) == StoreStatus::kDone) channels.insert(channel);
        break;
      case 8:
        if (random() % 4 == 0 && RemoveChannel(channel) == StoreStatus::kDone) {
          channels.erase(channel);
        }
        break;
      case 9:
        PutMember(channel, address);
        break;
      case 10:
        RemoveMember(channel, address);
        break;
      case 11:
        Append(user, std::string(random() % 3'000, 'f'));
        break;
      default:
        if (users.contains(user)) Trim(user, Read(user, random() % 20'000).up_to);
    }
    ASSERT_LE(store_.ByteCount(), kBytesMax);
  }
  EXPECT_EQ(Users("", SIZE_MAX), Names(users.begin(), users.end()));
  EXPECT_EQ(Channels("", SIZE_MAX), Names(channels.begin(), channels.end()));
  EXPECT_GT(store_.ByteCount(), 0u);
  for (const std::string& user : users) EXPECT_EQ(RemoveUser(user), StoreStatus::kDone);
  for (const std::string& channel : channels) EXPECT_EQ(RemoveChannel(channel), StoreStatus::kDone);
  EXPECT_EQ(store_.ByteCount(), 0u);
}

TEST_F(MemoryStoreTest, WhatWaitedAndWasTrimmedCostsNothing) {
  AddUser("alice");
  const uint64_t bytes = store_.ByteCount();
  for (int i = 0; i < 20; ++i) Append("alice", "frame");
  Trim("alice", Read("alice", SIZE_MAX).up_to);
  EXPECT_EQ(store_.ByteCount(), bytes);
}

}  // namespace
}  // namespace solec

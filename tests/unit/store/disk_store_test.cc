// What the disk store keeps and gives back, without its threads.

#include "store/disk_store.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/base/seed.h"
#include "tests/unit/store/store_driver.h"

namespace solec {
namespace {

using Names = std::vector<std::string>;

TEST(DiskStore, UsersContactsAndChannelsComeBackAfterAKill) {
  StoreDriver store;
  EXPECT_EQ(store.LoadUser("alice").status, StoreStatus::kNotFound);
  EXPECT_EQ(store.AddUser("alice"), StoreStatus::kDone);
  EXPECT_EQ(store.AddUser("alice"), StoreStatus::kExists);
  EXPECT_EQ(store.Status([&](StoreDone done) {
    store.port()->SetPassword("alice", "new hash", std::move(done));
  }),
            StoreStatus::kDone);
  const auto put_contact = [&](std::string_view address, bool agreed) {
    return store.Status([&](StoreDone done) {
      store.port()->PutContact("alice", address, agreed, std::move(done));
    });
  };
  EXPECT_EQ(put_contact("carol@b.example", true), StoreStatus::kDone);
  EXPECT_EQ(put_contact("bob", false), StoreStatus::kDone);
  EXPECT_EQ(put_contact("bob", true), StoreStatus::kDone);
  EXPECT_EQ(put_contact("dave", false), StoreStatus::kDone);
  const auto remove_contact = [&](std::string_view address) {
    return store.Status(
        [&](StoreDone done) { store.port()->RemoveContact("alice", address, std::move(done)); });
  };
  EXPECT_EQ(remove_contact("carol@b.example"), StoreStatus::kDone);
  EXPECT_EQ(remove_contact("carol@b.example"), StoreStatus::kNotFound);
  for (std::string_view channel : {"#two", "#one"}) {
    EXPECT_EQ(store.Status([&](StoreDone done) {
      store.port()->PutJoined("alice", channel, std::move(done));
    }),
              StoreStatus::kDone);
  }
  EXPECT_EQ(store.Status([&](StoreDone done) {
    store.port()->PutJoined("nobody", "#one", std::move(done));
  }),
            StoreStatus::kNotFound);

  store.Reopen();
  const UserRecord alice = store.User("alice");
  EXPECT_EQ(alice.password_hash, "new hash");
  ASSERT_EQ(alice.contacts.size(), 2u);
  EXPECT_EQ(alice.contacts[0].address, "bob");
  EXPECT_TRUE(alice.contacts[0].agreed);
  EXPECT_EQ(alice.contacts[1].address, "dave");
  EXPECT_FALSE(alice.contacts[1].agreed);
  EXPECT_EQ(alice.channels, (Names{"#one", "#two"}));
}

TEST(DiskStore, ChannelsAndMembersComeBack) {
  StoreDriver store;
  const auto put = [&](std::string_view channel, std::string_view address) {
    return store.Status(
        [&](StoreDone done) { store.port()->PutMember(channel, address, std::move(done)); });
  };
  const auto members = [&](std::string_view channel) {
    StoreCompletion loaded =
        store.Answer([&](StoreDone done) { store.port()->LoadChannel(channel, std::move(done)); });
    EXPECT_EQ(loaded.status, StoreStatus::kDone);
    return std::get<ChannelRecord>(loaded.value).members;
  };
  EXPECT_EQ(put("#room", "alice"), StoreStatus::kNotFound);
  EXPECT_EQ(store.AddChannel("#room"), StoreStatus::kDone);
  EXPECT_EQ(store.AddChannel("#room"), StoreStatus::kExists);
  EXPECT_EQ(store.AddChannel("#roomy"), StoreStatus::kDone);
  EXPECT_TRUE(members("#room").empty());
  for (std::string_view address : {"bob@b.example", "alice", "carol"}) {
    EXPECT_EQ(put("#room", address), StoreStatus::kDone);
  }
  EXPECT_EQ(put("#roomy", "eve"), StoreStatus::kDone);
  EXPECT_EQ(store.Status([&](StoreDone done) {
    store.port()->RemoveMember("#room", "carol", std::move(done));
  }),
            StoreStatus::kDone);
  EXPECT_EQ(store.Status([&](StoreDone done) {
    store.port()->RemoveMember("#room", "carol", std::move(done));
  }),
            StoreStatus::kNotFound);
  store.Reopen();
  EXPECT_EQ(members("#room"), (Names{"alice", "bob@b.example"}));
  EXPECT_EQ(
      store.Status([&](StoreDone done) { store.port()->RemoveChannel("#room", std::move(done)); }),
      StoreStatus::kDone);
  EXPECT_EQ(put("#room", "alice"), StoreStatus::kNotFound);
  EXPECT_EQ(members("#roomy"), (Names{"eve"})) << "whose name begins alike";
}

TEST(DiskStore, ListsAreInOrderWhateverTheirPages) {
  StoreDriver store;
  const Names all = {"a", "a.b", "ab", "b", "zoe", "\xc3\xa4"};
  for (size_t i = all.size(); i > 0; --i) {
    EXPECT_EQ(store.AddUser(all[i - 1]), StoreStatus::kDone);
    EXPECT_EQ(store.Status([&](StoreDone done) {
      store.port()->PutContact(all[i - 1], "someone", true, std::move(done));
    }),
              StoreStatus::kDone);
    EXPECT_EQ(store.AddChannel("#" + all[i - 1]), StoreStatus::kDone);
    EXPECT_EQ(store.Status([&](StoreDone done) {
      store.port()->PutMember("#" + all[i - 1], "member", std::move(done));
    }),
              StoreStatus::kDone);
  }
  for (size_t limit = 1; limit <= all.size() + 1; ++limit) {
    Names users, channels;
    for (std::string after;;) {
      const Names page =
          std::get<Names>(store
                              .Answer([&](StoreDone done) {
                                store.port()->ListUsers(after, limit, std::move(done));
                              })
                              .value);
      if (page.empty()) break;
      ASSERT_LE(page.size(), limit);
      users.insert(users.end(), page.begin(), page.end());
      after = page.back();
    }
    for (std::string after;;) {
      const Names page =
          std::get<Names>(store
                              .Answer([&](StoreDone done) {
                                store.port()->ListChannels(after, limit, std::move(done));
                              })
                              .value);
      if (page.empty()) break;
      for (const std::string& channel : page) channels.push_back(channel.substr(1));
      after = page.back();
    }
    EXPECT_EQ(users, all) << limit;
    EXPECT_EQ(channels, all) << limit;
  }
}

// What one batch does is seen by what comes behind it in the same batch.
TEST(DiskStore, RequestsOfOneBatchSeeEachOther) {
  StoreDriver store;
  std::vector<StoreStatus> statuses;
  const auto note = [&](StoreCompletion& completion) { statuses.push_back(completion.status); };
  StorePort* const port = store.port();
  port->AddUser("alice", "1", note);
  port->AddUser("alice", "2", note);
  port->PutContact("alice", "bob", true, note);
  port->RemoveContact("alice", "bob", note);
  port->RemoveContact("alice", "bob", note);
  port->PutContact("alice", "carol", true, note);
  port->RemoveUser("alice", note);
  port->PutContact("alice", "bob", true, note);
  port->AddUser("alice", "3", note);
  port->RemoveContact("alice", "carol", note);
  port->SetPassword("alice", "4", note);
  port->LoadUser("alice", [&](StoreCompletion& completion) {
    note(completion);
    EXPECT_EQ(std::get<UserRecord>(completion.value).password_hash, "4");
    EXPECT_TRUE(std::get<UserRecord>(completion.value).contacts.empty());
  });
  store.Run();
  using enum StoreStatus;
  EXPECT_EQ(statuses, (std::vector<StoreStatus>{kDone, kExists, kDone, kDone, kNotFound, kDone,
                                                kDone, kNotFound, kDone, kNotFound, kDone, kDone}));
  EXPECT_EQ(store.store()->figures().commits, 1u);
}

TEST(DiskStore, PositionsRiseFromOneAndGoOnAfterAKill) {
  StoreDriver store;
  store.AddUser("bob");
  EXPECT_EQ(store.Send("alice", "bob", {"one"}), 1u);
  EXPECT_EQ(store.Send("alice", "bob", {"two", "three", "four"}), 4u);
  EXPECT_EQ(store.Post("alice", "#room", {"five", "six"}), 6u);
  store.Reopen();
  EXPECT_EQ(store.store()->figures().last_position, 6u);
  EXPECT_EQ(store.Send("alice", "bob", {"seven"}), 7u);
}

TEST(DiskStore, WaitingMessagesComeBackInPagesThatBeginAnywhere) {
  StoreDriver store;
  store.AddUser("bob");
  store.Send("alice", "bob", {"1", "2", "3"});
  store.Send("carol@b.example", "bob", {"4"});
  store.Send("dave", "bob", {"5"}, {}, /*waiting_only=*/true);
  store.Send("alice", "bob", {"6", "7"});
  store.Send("alice", "bobby", {"another's"});
  store.Reopen();
  const Names all = {"1", "2", "3", "4", "5", "6", "7"};
  const size_t frame_size = TestFrame("alice@a.example", "bob@a.example", "1").size();
  for (uint64_t after = 0; after <= 8; ++after) {
    const WaitingPage page = store.Waiting("bob", after);
    const Names wanted(all.begin() + static_cast<long>(std::min<uint64_t>(after, 7)), all.end());
    EXPECT_EQ(ContentsOfFrames(page.frames), wanted) << after;
    EXPECT_EQ(page.count, wanted.size());
    EXPECT_FALSE(page.more);
    EXPECT_EQ(page.up_to.position, std::max<uint64_t>(after, 7));
    if (after < 7) {
      EXPECT_EQ(page.up_to.bytes, store.bytes_kept("bob"));
    }
  }
  for (size_t bytes_max : {size_t{0}, frame_size, 2 * frame_size, 3 * frame_size + 1}) {
    Names got;
    InboxMark mark;
    size_t pages = 0;
    for (bool more = true; more; ++pages) {
      const WaitingPage page = store.Waiting("bob", mark.position, bytes_max);
      ASSERT_GT(page.count, 0u);
      const Names contents = ContentsOfFrames(page.frames);
      got.insert(got.end(), contents.begin(), contents.end());
      EXPECT_EQ(page.up_to.bytes - mark.bytes, page.frames.size()) << "marks measure";
      mark = page.up_to;
      more = page.more;
    }
    EXPECT_EQ(got, all) << bytes_max;
    EXPECT_GE(pages, bytes_max == 0 ? 7u : 2u);
  }
}

TEST(DiskStore, WhatWasDeliveredIsKnownFromTheNewestOfBothMarks) {
  StoreDriver store;
  store.AddUser("bob");
  EXPECT_EQ(store.User("bob").delivered.position, 0u);
  store.Send("alice", "bob", {"1", "2"});
  const uint64_t bytes_at_2 = store.bytes_kept("bob");
  store.Send("alice", "bob", {"3"}, {.position = 2, .bytes = bytes_at_2});
  store.Reopen();
  UserRecord bob = store.User("bob");
  EXPECT_EQ(bob.delivered.position, 2u) << "it came with the last message";
  EXPECT_EQ(bob.delivered.bytes, bytes_at_2);
  EXPECT_EQ(bob.last.position, 3u);
  EXPECT_EQ(bob.last.bytes, store.bytes_kept("bob"));
  EXPECT_EQ(store.Status([&](StoreDone done) {
    store.port()->SetDelivered("bob", bob.last, std::move(done));
  }),
            StoreStatus::kDone);
  store.Reopen();
  bob = store.User("bob");
  EXPECT_EQ(bob.delivered.position, 3u);
  EXPECT_EQ(bob.last.position, 3u) << "nothing waits";
  EXPECT_TRUE(store.Waiting("bob", bob.delivered.position).frames.empty());
}

TEST(DiskStore, ARemovedUsersSuccessorSeesNothingOfIt) {
  StoreDriver store;
  store.AddUser("alice");
  store.AddUser("bob");
  store.Send("alice", "bob", {"old"});
  store.Send("bob", "alice", {"older"});
  EXPECT_EQ(store.Status([&](StoreDone done) { store.port()->RemoveUser("bob", std::move(done)); }),
            StoreStatus::kDone);
  EXPECT_EQ(store.LoadUser("bob").status, StoreStatus::kNotFound);
  // On its way while the account was removed.
  store.Send("alice", "bob", {"late"});
  store.bytes_kept("bob") = 0;
  EXPECT_EQ(store.AddUser("bob"), StoreStatus::kDone);
  UserRecord bob = store.User("bob");
  EXPECT_EQ(bob.delivered.position, 3u);
  EXPECT_EQ(bob.delivered.bytes, 0u);
  EXPECT_EQ(bob.last.position, 3u);
  EXPECT_TRUE(store.Waiting("bob", bob.delivered.position).frames.empty());
  store.Send("alice", "bob", {"new"});
  EXPECT_EQ(ContentsOfFrames(store.Waiting("bob", 3).frames), (Names{"new"}));
  HistoryQuery query;
  query.user = "bob";
  query.with = "alice";
  EXPECT_EQ(ItemsOf(store.History(query)), (std::vector<TestItem>{{4, "new"}}));
  std::swap(query.user, query.with);
  EXPECT_EQ(store.History(query).count, 4u) << "the other side keeps the chat";
}

TEST(DiskStore, HistoriesArePagedFromAnyPositionInBothDirections) {
  StoreDriver store;
  for (std::string_view name : {"alice", "bob", "carol"}) store.AddUser(name);
  std::vector<TestItem> chat, posts, everything;
  const auto send = [&](std::string_view from, std::string_view to, size_t count) {
    Names contents;
    for (size_t i = 0; i < count; ++i) contents.push_back(std::string(from) + std::to_string(i));
    const uint64_t last = store.Send(from, to, contents);
    for (size_t i = 0; i < count; ++i) {
      const TestItem item{last - count + 1 + i, contents[i]};
      if (from != "carol") chat.push_back(item);
      if (to == "bob") everything.push_back(item);
    }
  };
  const auto post = [&](std::string_view channel, size_t count, bool joined) {
    Names contents;
    for (size_t i = 0; i < count; ++i) contents.push_back(std::string(channel));
    const uint64_t last = store.Post("alice", channel, contents);
    for (size_t i = 0; i < count; ++i) {
      const TestItem item{last - count + 1 + i, contents[i]};
      if (channel == "#one") posts.push_back(item);
      if (joined) everything.push_back(item);
    }
  };
  for (int round = 0; round < 3; ++round) {
    send("alice", "bob", 3);
    post("#one", 2, true);
    send("bob", "alice", 1);
    post("#two", 1, true);
    post("#three", 1, false);
    send("carol", "bob", 2);
    store.Send("alice", "bob", {"only waits"}, {}, true);
  }
  HistoryQuery query;
  query.user = "bob";
  const auto check = [&](const std::vector<TestItem>& all) {
    const uint64_t end = all.back().position + 1;
    for (uint64_t after = 0; after <= end; ++after) {
      for (uint64_t limit = 1; limit <= all.size() + 1; ++limit) {
        std::vector<TestItem> wanted;
        for (const TestItem& item : all) {
          if (item.position > after) wanted.push_back(item);
        }
        query.after = after;
        query.limit = limit;
        query.newest = false;
        const bool more = wanted.size() > limit;
        const HistoryPage page = store.History(query);
        ASSERT_EQ(
            ItemsOf(page),
            std::vector<TestItem>(wanted.begin(),
                                  more ? wanted.begin() + static_cast<long>(limit) : wanted.end()))
            << after << " " << limit;
        if (query.kind != HistoryQuery::Kind::kEverything || more) {
          ASSERT_EQ(page.more, more) << after << " " << limit;
        }
        if (page.count > 0) {
          ASSERT_EQ(page.last_position, ItemsOf(page).back().position);
        }
        query.newest = true;
        const HistoryPage newest = store.History(query);
        ASSERT_EQ(
            ItemsOf(newest),
            std::vector<TestItem>(more ? wanted.end() - static_cast<long>(limit) : wanted.begin(),
                                  wanted.end()))
            << "newest " << after << " " << limit;
      }
    }
  };
  query.kind = HistoryQuery::Kind::kChat;
  query.with = "alice";
  check(chat);
  query.kind = HistoryQuery::Kind::kChannel;
  query.with = "#one";
  check(posts);
  query.kind = HistoryQuery::Kind::kEverything;
  query.with = "";
  query.channels = {"#one", "#two", "#none"};
  check(everything);
}

TEST(DiskStore, APageOfHistoryEndsAtItsBytesButHoldsOneMessage) {
  StoreDriver store;
  store.AddUser("bob");
  store.Send("alice", "bob", {std::string(1'000, 'a'), std::string(1'000, 'b'), "c"});
  HistoryQuery query;
  query.user = "bob";
  query.with = "alice";
  query.bytes_max = 10;
  EXPECT_EQ(ItemsOf(store.History(query)), (std::vector<TestItem>{{1, std::string(1'000, 'a')}}));
  EXPECT_TRUE(store.History(query).more);
  query.newest = true;
  EXPECT_EQ(ItemsOf(store.History(query)), (std::vector<TestItem>{{3, "c"}}));
  query.bytes_max = 1'200;
  EXPECT_EQ(store.History(query).count, 2u);
  query.user = "nobody";
  EXPECT_EQ(store.AskHistory(query).status, StoreStatus::kNotFound);
}

TEST(DiskStore, LongRunsAreCutIntoRowsThatReadTheSame) {
  StoreDriver store;
  store.AddUser("bob");
  Names contents;
  for (int i = 0; i < 400; ++i) contents.push_back(std::to_string(i) + std::string(1'000, 'x'));
  store.Send("alice", "bob", contents);
  store.Post("alice", "#room", contents);
  EXPECT_GT(store.store()->figures().runs_kept, 10u);
  EXPECT_EQ(ContentsOfFrames(store.Waiting("bob", 0).frames), contents);
  EXPECT_EQ(store.Waiting("bob", 0).up_to.bytes, store.bytes_kept("bob"));
  EXPECT_EQ(store.Waiting("bob", 123).count, 277u);
  HistoryQuery query;
  query.kind = HistoryQuery::Kind::kChannel;
  query.user = "bob";
  query.with = "#room";
  query.limit = 5;
  query.newest = true;
  EXPECT_EQ(store.History(query).last_position, 800u);
  EXPECT_EQ(ItemsOf(store.History(query)).front().content, contents[395]);
}

// A record that no ring holds goes another way, and everything comes back in order.
TEST(DiskStore, WhatNoRingHoldsIsKeptAllTheSame) {
  StoreDriver store;
  store.AddUser("bob");
  const std::string content(60'000, 'x');
  std::string frames;
  for (int i = 0; i < 100; ++i) {
    frames += TestFrame("alice@a.example", "#room@a.example", std::to_string(i) + content);
  }
  KeepTicket ticket;
  ticket.kind = KeepTicket::Kind::kChannel;
  ticket.count = 100;
  StorePort* const port = store.port();
  for (ticket.object = 0; ticket.object < 4; ++ticket.object) {
    port->KeepChannel("#room", AsBytes(frames), {}, {}, ticket);
  }
  bool loaded = false;
  port->LoadUser("bob", [&](StoreCompletion& completion) {
    EXPECT_EQ(completion.status, StoreStatus::kDone);
    loaded = true;
  });
  EXPECT_FALSE(port->HasRoom());
  store.Run();
  EXPECT_TRUE(loaded);
  EXPECT_TRUE(port->HasRoom());
  EXPECT_EQ(port->ByteCount(), 0u);
  ASSERT_EQ(store.kept().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(store.kept()[i].ticket.object, i);
    EXPECT_EQ(store.kept()[i].last_position, 100 * (i + 1));
  }
}

TEST(DiskStore, MessagesThatFollowOneAnotherAreOneRunAndOneTicket) {
  StoreDriver store;
  store.AddUser("bob");
  const std::string frame = TestFrame("alice@a.example", "bob@a.example", "hello");
  DirectMessages messages;
  messages.user = "bob";
  messages.sender = "alice@a.example";
  messages.first = AsBytes(frame);
  KeepTicket ticket;
  ticket.count = 1;
  ticket.number = 10;
  ticket.ordinal = 5;
  const auto keep = [&] {
    messages.bytes += frame.size();
    store.port()->KeepDirect(messages, ticket);
  };
  for (int i = 0; i < 3; ++i, ++ticket.number, ++ticket.ordinal) keep();
  ticket.session = 1;  // another session of alice's
  keep();
  messages.sender = "carol@a.example";
  ++ticket.number;
  ++ticket.ordinal;
  keep();
  messages.waiting_only = true;
  ++ticket.number;
  ++ticket.ordinal;
  keep();
  store.Run();
  ASSERT_EQ(store.kept().size(), 4u);
  EXPECT_EQ(store.kept()[0].ticket.count, 3u);
  EXPECT_EQ(store.kept()[0].ticket.number, 10u);
  EXPECT_EQ(store.kept()[0].ticket.ordinal, 7u);
  EXPECT_EQ(store.kept()[0].last_position, 3u);
  EXPECT_EQ(store.kept()[3].last_position, 6u);
  EXPECT_EQ(store.Waiting("bob", 0).count, 6u);
  EXPECT_EQ(store.Waiting("bob", 0).up_to.bytes, messages.bytes);
}

TEST(DiskStore, WhatWasNotFlushedBeforeAKillIsGoneAndWhatCompletedIsNot) {
  StoreDriver store;
  store.AddUser("bob");
  store.Send("alice", "bob", {"kept"});
  bool completed = false;
  store.port()->AddUser("carol", "hash", [&](StoreCompletion&) { completed = true; });
  store.port()->Flush();
  store.Reopen();
  EXPECT_FALSE(completed);
  EXPECT_EQ(store.LoadUser("carol").status, StoreStatus::kNotFound);
  EXPECT_EQ(ContentsOfFrames(store.Waiting("bob", 0).frames), (Names{"kept"}));
}

TEST(DiskStore, StopCommitsWhatWasFlushed) {
  StoreDriver store;
  store.port()->AddUser("carol", "hash", [](StoreCompletion&) {});
  store.port()->Flush();
  store.store()->Stop();
  store.Reopen();
  EXPECT_EQ(store.LoadUser("carol").status, StoreStatus::kDone);
}

TEST(DiskStore, AWriterWithoutRoomForCompletionsGoesOnOnceThereIs) {
  StoreDriver store;
  store.AddUser("bob");
  constexpr int kRequests = 20'000;  // more than a ring of completions holds
  int completed = 0;
  for (int i = 0; i < kRequests; ++i) {
    store.port()->PutContact("bob", std::to_string(i), true, [&](StoreCompletion& completion) {
      completed += completion.status == StoreStatus::kDone;
    });
  }
  store.port()->Flush();
  while (store.store()->RunWriter()) {
  }
  EXPECT_EQ(completed, 0);
  store.port()->Poll();
  EXPECT_GT(completed, 1'000);
  EXPECT_LT(completed, kRequests);
  store.Run();
  EXPECT_EQ(completed, kRequests);
  EXPECT_EQ(store.User("bob").contacts.size(), static_cast<size_t>(kRequests));
}

}  // namespace
}  // namespace solec

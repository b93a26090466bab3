#include "shard/offline_shard.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/memory_store.h"

namespace solec {
namespace {

constexpr uint64_t kStoreBytesMax = 1 << 20;

class OfflineShardTest : public testing::Test {
 protected:
  ControlReply Ask(ControlKind kind, const std::string& name, const std::string& argument = "") {
    ControlRequest request;
    request.kind = kind;
    request.name = name;
    request.argument = argument;
    return shard_.Ask(request);
  }
  ControlStatus StatusOf(ControlKind kind, const std::string& name,
                         const std::string& argument = "") {
    return Ask(kind, name, argument).status;
  }
  std::vector<std::string> TextsOf(ControlKind kind, const std::string& name) {
    std::vector<std::string> texts;
    for (const ControlItem& item : Ask(kind, name).items) texts.push_back(item.text);
    return texts;
  }
  static Limits SmallLimits() {
    Limits limits;
    limits.contacts_per_user_max = 1;
    limits.password_memory_bytes = 8 << 10;
    limits.password_passes = 1;
    return limits;
  }

  using Texts = std::vector<std::string>;
  MemoryStore store_{kStoreBytesMax};
  OfflineShard shard_{"a.example", SmallLimits(), Policy(), &store_, [] { return false; }};
};

TEST_F(OfflineShardTest, AddsUsersAndContactsAsARunningServerDoes) {
  EXPECT_EQ(StatusOf(ControlKind::kUserAdd, "alice", "hash"), ControlStatus::kDone);
  EXPECT_EQ(StatusOf(ControlKind::kUserAdd, "alice", "hash"), ControlStatus::kExists);
  EXPECT_EQ(StatusOf(ControlKind::kUserAdd, "a b", "hash"), ControlStatus::kInvalid);
  EXPECT_EQ(StatusOf(ControlKind::kUserAdd, "bob", "hash"), ControlStatus::kDone);
  EXPECT_EQ(TextsOf(ControlKind::kUserList, ""), (Texts{"alice", "bob"}));
  EXPECT_EQ(StatusOf(ControlKind::kContactAdd, "alice", "bob"), ControlStatus::kDone);
  EXPECT_EQ(StatusOf(ControlKind::kContactAdd, "alice", "carol"), ControlStatus::kOverLimit);
  EXPECT_EQ(Ask(ControlKind::kContactList, "alice").items[0].flags, 0);
  EXPECT_EQ(StatusOf(ControlKind::kContactAdd, "bob", "alice"), ControlStatus::kDone);
  // The other side learns of it, which takes more than one turn.
  const ControlReply contacts = Ask(ControlKind::kContactList, "alice");
  ASSERT_EQ(contacts.items.size(), 1u);
  EXPECT_EQ(contacts.items[0].text, "bob@a.example");
  EXPECT_EQ(contacts.items[0].flags, kListItemAgreed);
}

TEST_F(OfflineShardTest, WhatCameOfACommandIsInTheStoreWhenItIsAnswered) {
  for (const char* name : {"alice", "bob"}) Ask(ControlKind::kUserAdd, name, "hash");
  Ask(ControlKind::kContactAdd, "alice", "bob");
  Ask(ControlKind::kContactAdd, "bob", "alice");
  EXPECT_EQ(StatusOf(ControlKind::kChannelCreate, "#room"), ControlStatus::kDone);
  EXPECT_EQ(StatusOf(ControlKind::kChannelJoin, "#room", "alice"), ControlStatus::kDone);
  EXPECT_EQ(TextsOf(ControlKind::kChannelMembers, "#room"), Texts{"alice@a.example"});
  EXPECT_EQ(StatusOf(ControlKind::kUserRemove, "alice"), ControlStatus::kDone);
  // Another shard on the same store remembers nothing that the store does not.
  OfflineShard second("a.example", SmallLimits(), Policy(), &store_, [] { return false; });
  ControlRequest request;
  request.kind = ControlKind::kChannelMembers;
  request.name = "#room";
  const ControlReply members = second.Ask(request);
  EXPECT_EQ(members.status, ControlStatus::kDone);
  EXPECT_TRUE(members.items.empty());
  request.kind = ControlKind::kContactList;
  request.name = "bob";
  const ControlReply contacts = second.Ask(request);
  ASSERT_EQ(contacts.items.size(), 1u);
  EXPECT_EQ(contacts.items[0].flags, 0);
}

// So that what comes late in a long list can be found.
TEST_F(OfflineShardTest, AListBeginsWithItsPrefix) {
  for (const char* name : {"ann", "anna", "bob", "a"}) Ask(ControlKind::kUserAdd, name, "hash");
  EXPECT_EQ(TextsOf(ControlKind::kUserList, "ann"), (Texts{"ann", "anna", "bob"}));
  EXPECT_EQ(TextsOf(ControlKind::kUserList, "bob"), Texts{"bob"});
  EXPECT_EQ(TextsOf(ControlKind::kUserList, "c"), Texts());
  for (const char* name : {"#a", "#b"}) Ask(ControlKind::kChannelCreate, name);
  EXPECT_EQ(TextsOf(ControlKind::kChannelList, "#b"), Texts{"#b"});
}

TEST_F(OfflineShardTest, HashesAPasswordAsTheLimitsSay) {
  const absl::StatusOr<std::string> hash = shard_.HashPassword("secret");
  ASSERT_TRUE(hash.ok()) << hash.status();
  EXPECT_TRUE(hash->starts_with("$argon2id$")) << *hash;
  EXPECT_NE(hash->find("m=8,t=1,"), std::string::npos) << *hash;
}

}  // namespace
}  // namespace solec

#include "server/dev_mode.h"

#include <gtest/gtest.h>

#include <vector>

#include "shard/offline_shard.h"
#include "store/memory_store.h"

namespace solec {
namespace {

constexpr uint64_t kStoreBytesMax = 1 << 20;

class SetUpDevTest : public testing::Test {
 protected:
  using Texts = std::vector<std::string>;

  static Limits CheapHashes() {
    Limits limits;
    limits.password_memory_bytes = 8 << 10;
    limits.password_passes = 1;
    return limits;
  }
  ControlReply Ask(ControlKind kind, const std::string& name, const std::string& argument = "") {
    ControlRequest request;
    request.kind = kind;
    request.name = name;
    request.argument = argument;
    return shard_.Ask(request);
  }
  Texts TextsOf(ControlKind kind, const std::string& name) {
    Texts texts;
    for (const ControlItem& item : Ask(kind, name).items) texts.push_back(item.text);
    return texts;
  }
  std::string HashOf(const std::string& user) {
    std::string hash;
    store_.LoadUser(user, [&hash](StoreCompletion& completion) {
      hash = std::get<UserRecord>(completion.value).password_hash;
    });
    store_.Poll();
    return hash;
  }

  MemoryStore store_{kStoreBytesMax};
  OfflineShard shard_{"localhost", CheapHashes(), Policy(), &store_, [] { return false; }};
};

TEST_F(SetUpDevTest, MakesTwoContactsAndAChannelWithBothAndCanDoItAgain) {
  const absl::StatusOr<std::string> hints = SetUpDev(&shard_, "build/solecd");
  ASSERT_TRUE(hints.ok()) << hints.status();
  EXPECT_NE(hints->find("build/solec chat alice@localhost bob"), std::string::npos);
  EXPECT_NE(hints->find("build/solec chat bob@localhost alice"), std::string::npos);
  EXPECT_EQ(TextsOf(ControlKind::kUserList, ""), (Texts{"alice", "bob"}));
  EXPECT_EQ(TextsOf(ControlKind::kContactList, "alice"), (Texts{"bob@localhost"}));
  EXPECT_EQ(TextsOf(ControlKind::kContactList, "bob"), (Texts{"alice@localhost"}));
  EXPECT_EQ(TextsOf(ControlKind::kChannelList, ""), (Texts{"#lobby"}));
  EXPECT_EQ(TextsOf(ControlKind::kChannelMembers, "#lobby"),
            (Texts{"alice@localhost", "bob@localhost"}));
  EXPECT_TRUE(SetUpDev(&shard_, "solecd").ok());
}

TEST_F(SetUpDevTest, KeepsWhatWasAddedAndGivesBackThePasswordsThatItPrints) {
  ASSERT_TRUE(SetUpDev(&shard_, "solecd").ok());
  EXPECT_EQ(Ask(ControlKind::kUserAdd, "carol", "hers").status, ControlStatus::kDone);
  EXPECT_EQ(Ask(ControlKind::kUserPassword, "alice", "changed").status, ControlStatus::kDone);
  ASSERT_TRUE(SetUpDev(&shard_, "solecd").ok());
  EXPECT_EQ(TextsOf(ControlKind::kUserList, ""), (Texts{"alice", "bob", "carol"}));
  EXPECT_EQ(HashOf("carol"), "hers");
  EXPECT_TRUE(HashOf("alice").starts_with("$argon2id$")) << HashOf("alice");
}

}  // namespace
}  // namespace solec

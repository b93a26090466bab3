#include "server/dev_mode.h"

#include <gtest/gtest.h>

namespace solec {
namespace {

TEST(SetUpDev, MakesTwoContactsAndAChannelWithBothAndCanDoItAgain) {
  ShardGroupOptions options;
  options.server_name = "localhost";
  options.listen = {"127.0.0.1:0"};
  options.cpus = {-1, -1};
  options.limits.password_memory_bytes = 8 << 10;
  options.limits.password_passes = 1;
  absl::StatusOr<std::unique_ptr<ShardGroup>> shards = ShardGroup::Start(options);
  ASSERT_TRUE(shards.ok()) << shards.status();
  const absl::StatusOr<std::string> hints = SetUpDev(shards->get(), "build/solecd");
  ASSERT_TRUE(hints.ok()) << hints.status();
  EXPECT_NE(hints->find("build/solec chat alice@localhost bob"), std::string::npos);
  EXPECT_NE(hints->find("build/solec chat bob@localhost alice"), std::string::npos);

  auto ask = [&](ControlKind kind, const std::string& name) {
    std::vector<std::string> texts;
    ControlRequest request;
    request.kind = kind;
    request.name = name;
    for (const ControlItem& item : (*shards)->Ask(request).items) texts.push_back(item.text);
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(ask(ControlKind::kUserList, ""), (Texts{"alice", "bob"}));
  EXPECT_EQ(ask(ControlKind::kContactList, "alice"), (Texts{"bob@localhost"}));
  EXPECT_EQ(ask(ControlKind::kContactList, "bob"), (Texts{"alice@localhost"}));
  EXPECT_EQ(ask(ControlKind::kChannelList, ""), (Texts{"#lobby"}));
  EXPECT_EQ(ask(ControlKind::kChannelMembers, "#lobby"),
            (Texts{"alice@localhost", "bob@localhost"}));
  EXPECT_TRUE(SetUpDev(shards->get(), "solecd").ok());
}

}  // namespace
}  // namespace solec

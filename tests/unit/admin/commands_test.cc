#include "admin/commands.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace solec {
namespace {

using Json = nlohmann::json;

// What needs no shards: it is refused before they are asked.
TEST(AdminCommand, NonsenseIsAUsageErrorInJson) {
  const AdminContext context;
  const std::string deep(60'000, '[');
  for (const std::string_view line :
       {std::string_view(""), std::string_view("{"), std::string_view("[]"),
        std::string_view("null"), std::string_view("\"x\""), std::string_view("{}"),
        std::string_view("\xff"), std::string_view(R"({"command":1})"),
        std::string_view(R"({"command":"nonsense"})"),
        std::string_view(R"({"command":"user add"})"),
        std::string_view(R"({"command":"user add","name":1,"password":"x"})"),
        std::string_view(R"({"command":"user add","name":"x"})"),
        std::string_view(R"({"command":"user add","name":"x","password":""})"),
        std::string_view(R"({"command":"user contact add","name":"x"})"), std::string_view(deep)}) {
    const std::string answer = RunAdminCommand(context, line);
    EXPECT_EQ(answer.find('\n'), std::string::npos);
    const Json parsed = Json::parse(answer);
    EXPECT_EQ(parsed["ok"], false) << line.substr(0, 60);
    EXPECT_EQ(parsed["code"], "usage") << line.substr(0, 60);
    EXPECT_FALSE(parsed["error"].get<std::string>().empty());
  }
}

TEST(AdminCommand, AnswersBytesThatAreNoUtf8WithUtf8) {
  const AdminContext context;
  const Json parsed = Json::parse(RunAdminCommand(context, R"({"command":"\ud83d"})"));
  EXPECT_EQ(parsed["ok"], false);
}

TEST(AdminCommand, ReloadTellsWhyTheOldConfigurationStays) {
  AdminContext context;
  context.reload = [] { return absl::InvalidArgumentError("a.toml:3:1: unknown key 'x'"); };
  Json answer = Json::parse(RunAdminCommand(context, R"({"command":"reload"})"));
  EXPECT_EQ(answer["code"], "invalid");
  EXPECT_EQ(answer["error"], "a.toml:3:1: unknown key 'x'");
  context.reload = [] { return absl::OkStatus(); };
  answer = Json::parse(RunAdminCommand(context, R"({"command":"reload"})"));
  EXPECT_EQ(answer, Json::parse(R"({"ok":true})"));
}

TEST(AdminCommand, DrainIsPassedOnOnce) {
  AdminContext context;
  int drains = 0;
  context.drain = [&drains] { ++drains; };
  EXPECT_EQ(RunAdminCommand(context, R"({"command":"drain"})"), R"({"ok":true})");
  EXPECT_EQ(drains, 1);
}

TEST(AdminCommand, WithoutAServerThatIsSaid) {
  const AdminContext context;
  for (const char* command : {"stats", "reload", "drain", "link list", "link test"}) {
    const Json answer = Json::parse(RunAdminCommand(context, Json{{"command", command}}.dump()));
    EXPECT_EQ(answer["code"], "unavailable") << command;
    EXPECT_EQ(answer["error"], "no server is running") << command;
  }
}

TEST(AdminCommand, BacksUpIntoAFolderThatIsNamedFromTheRootOn) {
  AdminContext context;
  const auto answer = [&](const char* folder) {
    return Json::parse(
        RunAdminCommand(context, Json{{"command", "store backup"}, {"folder", folder}}.dump()));
  };
  EXPECT_EQ(answer("/backup")["code"], "invalid");
  std::string asked;
  absl::Status status;
  context.backup = [&](const std::string& folder) {
    asked = folder;
    return status;
  };
  EXPECT_EQ(answer("/backup"), Json::parse(R"({"ok":true})"));
  EXPECT_EQ(asked, "/backup");
  asked.clear();
  EXPECT_EQ(answer("backup")["code"], "usage");
  EXPECT_EQ(answer("")["code"], "usage");
  EXPECT_EQ(asked, "");
  status = absl::AlreadyExistsError("/backup: is not empty");
  EXPECT_EQ(answer("/backup")["code"], "exists");
  EXPECT_EQ(answer("/backup")["error"], "/backup: is not empty");
}

class AdminCommandOnShards : public testing::Test {
 protected:
  void SetUp() override {
    ShardGroupOptions options;
    options.server_name = "a.example";
    options.listen = {"127.0.0.1:0"};
    options.cpus = {-1, -1};
    options.limits.password_memory_bytes = 8 << 10;
    options.limits.password_passes = 1;
    absl::StatusOr<std::unique_ptr<ShardGroup>> shards = ShardGroup::Start(options);
    ASSERT_TRUE(shards.ok()) << shards.status();
    shards_ = *std::move(shards);
    context_.control = shards_.get();
    context_.shards = shards_.get();
    context_.server_name = "a.example";
  }

  Json Ask(const Json& request) { return Json::parse(RunAdminCommand(context_, request.dump())); }

  std::unique_ptr<ShardGroup> shards_;
  AdminContext context_;
};

TEST_F(AdminCommandOnShards, AddsListsByPrefixAndRemovesUsers) {
  for (const char* name : {"anna", "annabel", "bob"}) {
    EXPECT_EQ(Ask({{"command", "user add"}, {"name", name}, {"password", "x"}})["ok"], true);
  }
  EXPECT_EQ(Ask({{"command", "user add"}, {"name", "bob"}, {"password", "x"}})["code"], "exists");
  EXPECT_EQ(Ask({{"command", "user list"}, {"name", "ann"}})["items"],
            Json::parse(R"([{"flags":0,"text":"anna"},{"flags":0,"text":"annabel"}])"));
  EXPECT_EQ(Ask({{"command", "user remove"}, {"name", "anna"}})["ok"], true);
  EXPECT_EQ(Ask({{"command", "user remove"}, {"name", "anna"}})["code"], "not_found");
  EXPECT_EQ(Ask({{"command", "user list"}})["items"].size(), 2u);
}

TEST_F(AdminCommandOnShards, NamesWhatWasRefused) {
  const Json user = Ask({{"command", "user passwd"}, {"name", "nobody"}, {"password", "x"}});
  EXPECT_EQ(user["error"], "there is no user 'nobody'");
  const Json channel = Ask({{"command", "channel remove"}, {"name", "#none"}});
  EXPECT_EQ(channel["error"], "there is no channel '#none'");
  const Json invalid = Ask({{"command", "user add"}, {"name", "a b"}, {"password", "x"}});
  EXPECT_EQ(invalid["code"], "invalid");
}

TEST_F(AdminCommandOnShards, WithoutPeersThereIsNoLinkToListOrTest) {
  EXPECT_EQ(Ask({{"command", "link list"}}), Json::parse(R"({"ok":true,"links":[]})"));
  EXPECT_EQ(Ask({{"command", "link test"}})["code"], "usage");
  const Json unknown = Ask({{"command", "link test"}, {"name", "B.example"}});
  EXPECT_EQ(unknown["code"], "not_found");
  EXPECT_EQ(unknown["error"], "there is no peer 'b.example'");
}

TEST_F(AdminCommandOnShards, StatsNameTheServer) {
  const Json answer = Ask({{"command", "stats"}});
  EXPECT_EQ(answer["server"]["name"], "a.example");
  EXPECT_EQ(answer["server"]["version"], SOLEC_VERSION);
  EXPECT_EQ(answer["server"]["shards"], 2);
  EXPECT_EQ(answer["server"]["listen"][0], shards_->listening()[0]);
  EXPECT_EQ(answer["stats"]["connections_now"], 0);
}

}  // namespace
}  // namespace solec

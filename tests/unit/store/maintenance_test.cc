#include "store/maintenance.h"

#include <gtest/gtest.h>

#include "store/database.h"
#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

using Texts = std::vector<std::string>;

class StoreMaintenance : public testing::Test {
 protected:
  StoreMaintenance() {
    DiskStoreOptions options;
    options.path = path();
    options.free_space_min = 0;
    store_ = std::make_unique<StoreDriver>(options);
    store_->AddUser("alice");
    store_->AddUser("bob");
    store_->AddChannel("#room");
    Put([&](StoreDone done) { port()->PutContact("alice", "bob", true, std::move(done)); });
    Put([&](StoreDone done) { port()->PutContact("bob", "c@b.example", false, std::move(done)); });
    Put([&](StoreDone done) { port()->PutJoined("alice", "#room", std::move(done)); });
    Put([&](StoreDone done) { port()->PutJoined("alice", "#far@b.example", std::move(done)); });
    Put([&](StoreDone done) { port()->PutMember("#room", "alice", std::move(done)); });
    Put([&](StoreDone done) { port()->PutMember("#room", "c@b.example", std::move(done)); });
    store_->Send("alice", "bob", {"one", "two"});
    store_->Send("c@b.example", "bob", {"three"});
    store_->Post("alice@a.example", "#room@a.example", {"four"});
    store_->Post("alice@a.example", "#room", {"five", "six"});
    store_->Send("alice", "bob", {"seven"}, {}, /*waiting_only=*/true);
    store_->Close();
  }

  std::string path() const { return folder_.path() + "/store"; }
  StorePort* port() { return store_->port(); }
  template <class Ask>
  void Put(Ask ask) {
    EXPECT_EQ(store_->Status(ask), StoreStatus::kDone);
  }

  // Changes one entry behind the store's back.
  void Change(StoreSpace space, const StoreKey& key, std::optional<std::string_view> value) {
    DatabaseOptions options;
    options.folder = path() + "/db";
    options.write_buffer_bytes = 1 << 20;
    const absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
    ASSERT_TRUE(database.ok()) << database.status();
    rocksdb::ColumnFamilyHandle* const handle = (*database)->space(space);
    ASSERT_TRUE((value ? (**database)->Put({}, handle, ToSlice(key), ToSlice(*value))
                       : (**database)->Delete({}, handle, ToSlice(key)))
                    .ok());
  }
  StoreCheck Check() {
    absl::StatusOr<StoreCheck> check = CheckStore(path());
    EXPECT_TRUE(check.ok()) << check.status();
    return check.ok() ? *check : StoreCheck();
  }
  void ExpectFault(std::string_view text) {
    const StoreCheck check = Check();
    EXPECT_GE(check.fault_count, 1u) << text;
    EXPECT_TRUE(std::any_of(
        check.faults.begin(), check.faults.end(),
        [&](const std::string& fault) { return fault.find(text) != std::string::npos; }))
        << text << "; first: " << (check.faults.empty() ? "" : check.faults[0]);
  }

  const TempFolder folder_;
  std::unique_ptr<StoreDriver> store_;
};

TEST_F(StoreMaintenance, AWellStoreHasNoFaults) {
  const StoreCheck check = Check();
  EXPECT_EQ(check.faults, Texts());
  EXPECT_EQ(check.fault_count, 0u);
  EXPECT_EQ(check.disagreements, Texts());
  EXPECT_GT(check.entries, 15u);
}

TEST_F(StoreMaintenance, EachKindOfDamageIsFound) {
  Change(StoreSpace::kUsers, RowKey("alice", kRowContact, "bob"), "x");
  ExpectFault("is no contact");
  Change(StoreSpace::kUsers, RowKey("ghost", kRowJoined, "#room"), "");
  ExpectFault("belongs to no account");
  Change(StoreSpace::kUsers, RowKey("bob", kRowAccount), "\x07");
  ExpectFault("is no account");
  Change(StoreSpace::kChannels, RowKey("#room", kRowSettings), "\x07");
  ExpectFault("has unknown settings");
  Change(StoreSpace::kPosts, RunKey(OwnerBegin("#room"), 6), "\x01\x02rubbish");
  ExpectFault("is no run of messages");
  Change(StoreSpace::kInbox, RunKey(OwnerBegin("bob"), 3), "rubbish");
  ExpectFault("is no entry of an inbox");
  Change(StoreSpace::kChats, RunKey(ChatBegin("alice", "bob"), 2), std::nullopt);
  ExpectFault("leads to messages that are missing");
  Change(StoreSpace::kMeta, StoreKey().Text("future"), "");
  ExpectFault("is unknown");
  const std::string far = PlainRun(1, TestFrame("a@a.example", "b@a.example", "x"));
  Change(StoreSpace::kChats, RunKey(ChatBegin("alice", "bob"), 1'000), far);
  ExpectFault("lies beyond the store's position");
  EXPECT_EQ(Check().fault_count, 9u) << "each once";
}

TEST_F(StoreMaintenance, OverlappingRunsAreFound) {
  std::string frames;
  for (int i = 0; i < 2; ++i) frames += TestFrame("a@a.example", "#room@a.example", "x");
  Change(StoreSpace::kPosts, RunKey(OwnerBegin("#room"), 7), PlainRun(2, frames));
  ExpectFault("overlaps with the one before");
}

TEST_F(StoreMaintenance, MembershipsThatDisagreeAreNoFaults) {
  Change(StoreSpace::kChannels, RowKey("#room", kRowMember, "alice"), std::nullopt);
  Change(StoreSpace::kChannels, RowKey("#room", kRowMember, "bob"), "");
  const StoreCheck check = Check();
  EXPECT_EQ(check.fault_count, 0u);
  ASSERT_EQ(check.disagreement_count, 2u);
  EXPECT_NE(check.disagreements[0].find("alice"), std::string::npos);
  EXPECT_NE(check.disagreements[1].find("bob"), std::string::npos);
}

TEST_F(StoreMaintenance, CountsAreThoseOfWhatWasKept) {
  const absl::StatusOr<StoreStats> stats = StatStore(path());
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->schema, kStoreSchema);
  EXPECT_EQ(stats->server_name, "a.example");
  EXPECT_EQ(stats->last_position, 7u);
  EXPECT_EQ(stats->users, 2u);
  EXPECT_EQ(stats->contacts, 2u);
  EXPECT_EQ(stats->joined, 2u);
  EXPECT_EQ(stats->channels, 1u);
  EXPECT_EQ(stats->members, 2u);
  EXPECT_EQ(stats->chats, 2u);
  EXPECT_EQ(stats->chat_messages, 3u);
  EXPECT_EQ(stats->post_messages, 3u);
  EXPECT_EQ(stats->inbox_messages, 4u);
  EXPECT_GT(stats->chat_bytes, 90u);
  EXPECT_EQ(stats->spaces.size(), 7u);
  EXPECT_EQ(stats->spaces[0].name, "meta");
}

TEST_F(StoreMaintenance, EverythingIsTakenOut) {
  Texts users, channels, messages;
  ExportSink sink;
  sink.user = [&](const ExportedUser& user) {
    std::string text(user.name);
    for (const ContactRecord& contact : user.record.contacts) text += " " + contact.address;
    for (const std::string& channel : user.record.channels) text += " " + channel;
    EXPECT_EQ(user.record.password_hash, "hash");
    users.push_back(text);
    return true;
  };
  sink.channel = [&](const ExportedChannel& channel) {
    std::string text(channel.name);
    for (const std::string& member : channel.record.members) text += " " + member;
    channels.push_back(text);
    return true;
  };
  sink.message = [&](const ExportedMessage& message) {
    messages.push_back(std::to_string(message.position) + " " + std::string(message.one) + " " +
                       std::string(message.other) + " " +
                       std::string(AsString(message.payload.last(3))));
    return true;
  };
  ASSERT_TRUE(ExportStore(path(), sink).ok());
  EXPECT_EQ(users, (Texts{"alice bob #far@b.example #room", "bob c@b.example"}));
  EXPECT_EQ(channels, (Texts{"#room alice c@b.example"}));
  EXPECT_EQ(messages,
            (Texts{"1 alice bob one", "2 alice bob two", "3 bob c@b.example ree", "5 #room  ive",
                   "6 #room  six", "4 #room@a.example  our", "7 bob  ven"}));
  messages.clear();
  sink.message = [&](const ExportedMessage&) {
    messages.emplace_back();
    return false;
  };
  EXPECT_TRUE(ExportStore(path(), sink).ok());
  EXPECT_EQ(messages.size(), 1u) << "the sink had enough";
}

TEST_F(StoreMaintenance, AnOpenStoreAndNoStoreAreRefusedAndABackupIsNot) {
  ASSERT_TRUE(store_->Open().ok());
  const std::string backup = folder_.path() + "/backup";
  ASSERT_TRUE(store_->store()->Backup(backup).ok());
  const absl::Status busy = CheckStore(path()).status();
  EXPECT_NE(std::string(busy.message()).find("in use"), std::string::npos) << busy;
  const absl::StatusOr<StoreCheck> check = CheckStore(backup);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->fault_count, 0u);
  EXPECT_EQ(StatStore(backup)->last_position, 7u);
  EXPECT_FALSE(CheckStore(folder_.path() + "/nothing").ok());
}

TEST_F(StoreMaintenance, WhatDoesNotDecodeEndsAnExportWithAnError) {
  Change(StoreSpace::kPosts, RunKey(OwnerBegin("#room"), 6), "rubbish");
  ExportSink sink;
  uint64_t messages = 0;
  sink.message = [&](const ExportedMessage&) { return ++messages > 0; };
  const absl::Status exported = ExportStore(path(), sink);
  EXPECT_NE(std::string(exported.message()).find("#room"), std::string::npos) << exported;
  EXPECT_EQ(messages, 3u);
  EXPECT_FALSE(StatStore(path()).ok());
}

}  // namespace
}  // namespace solec

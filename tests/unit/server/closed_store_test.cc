#include "server/closed_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "server/backup.h"
#include "server/data_dir.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

class ClosedStoreTest : public testing::Test {
 protected:
  ClosedStoreTest() {
    config_.server_name = "a.example";
    config_.data_dir = folder_.path() + "/data";
    config_.store.cache_bytes = config_.store.write_buffer_bytes = 1 << 20;
    config_.store.free_space_min = 0;
  }

  absl::StatusOr<std::unique_ptr<ClosedStore>> Open(const Config& config) {
    return ClosedStore::Open(config, [this](std::string_view text) { log_ += text; });
  }
  static ControlReply Ask(ClosedStore* store, ControlKind kind, const std::string& name,
                          const std::string& argument = "") {
    ControlRequest request;
    request.kind = kind;
    request.name = name;
    request.argument = argument;
    return store->control()->Ask(request);
  }
  static std::vector<std::string> UsersOf(ClosedStore* store) {
    std::vector<std::string> names;
    for (const ControlItem& item : Ask(store, ControlKind::kUserList, "").items) {
      names.push_back(item.text);
    }
    return names;
  }
  void AddUser(const Config& config, const std::string& name) {
    const auto store = Open(config);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ(Ask(store->get(), ControlKind::kUserAdd, name, "hash").status, ControlStatus::kDone);
  }

  using Names = std::vector<std::string>;
  TempFolder folder_;
  Config config_;
  std::string log_;
};

TEST_F(ClosedStoreTest, IsMadeAndKeepsWhatWasAnswered) {
  AddUser(config_, "alice");
  AddUser(config_, "bob");
  const auto store = Open(config_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(UsersOf(store->get()), (Names{"alice", "bob"}));
  EXPECT_EQ(Ask(store->get(), ControlKind::kUserAdd, "bob", "hash").status,
            ControlStatus::kExists);
  EXPECT_EQ(log_, "");
}

TEST_F(ClosedStoreTest, IsOneAtATime) {
  const auto first = Open(config_);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = Open(config_).status();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
}

TEST_F(ClosedStoreTest, OfAnotherServerIsRefusedAndLeftAlone) {
  AddUser(config_, "alice");
  Config other = config_;
  other.server_name = "b.example";
  const absl::Status refused = Open(other).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_NE(refused.message().find("a.example"), std::string::npos) << refused;
  EXPECT_EQ(UsersOf(Open(config_)->get()), Names{"alice"});
}

TEST_F(ClosedStoreTest, FolderOfAnotherUserIsRefusedEvenToRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(mkdir(config_.data_dir.c_str(), 0700), 0);
  ASSERT_EQ(chown(config_.data_dir.c_str(), 65'534, 65'534), 0);
  const absl::Status refused = Open(config_).status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_TRUE(std::filesystem::is_empty(config_.data_dir));
}

TEST_F(ClosedStoreTest, BackupIsADataFolderOfItsOwn) {
  AddUser(config_, "alice");
  Config copy = config_;
  copy.data_dir = folder_.path() + "/backup";
  {
    const auto store = Open(config_);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE(BackUpStore((*store)->store(), copy.data_dir).ok());
    const absl::Status again = BackUpStore((*store)->store(), copy.data_dir);
    EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  }
  AddUser(config_, "bob");
  AddUser(copy, "carol");
  EXPECT_EQ(UsersOf(Open(config_)->get()), (Names{"alice", "bob"}));
  EXPECT_EQ(UsersOf(Open(copy)->get()), (Names{"alice", "carol"}));
}

TEST_F(ClosedStoreTest, SnapshotsOfDeadReadersAreRemovedAndNothingElse) {
  ASSERT_TRUE(MakeDataDir(config_.data_dir).ok());
  const std::string snapshot = SnapshotPath(config_.data_dir);
  EXPECT_EQ(std::filesystem::path(snapshot).parent_path(), config_.data_dir);
  std::filesystem::create_directories(snapshot + "/store");
  std::filesystem::create_directories(StorePathOf(config_.data_dir));
  RemoveSnapshots(config_.data_dir);
  EXPECT_FALSE(std::filesystem::exists(snapshot));
  EXPECT_TRUE(std::filesystem::exists(StorePathOf(config_.data_dir)));
}

}  // namespace
}  // namespace solec

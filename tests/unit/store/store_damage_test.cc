// A store that is damaged, of another server or of a later version is refused with a text that
// says what is wrong, and is left as it was.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "store/database.h"
#include "tests/unit/store/store_driver.h"
#include "tests/unit/store/temp_folder.h"

namespace solec {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void WriteFile(const fs::path& path, std::string_view content) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << content;
}

class StoreDamage : public testing::Test {
 protected:
  StoreDamage() {
    DiskStoreOptions options;
    options.path = folder_.path() + "/store";
    options.free_space_min = 0;
    store_ = std::make_unique<StoreDriver>(options);
    store_->AddUser("bob");
    for (int i = 0; i < 20; ++i) store_->Send("alice", "bob", {std::to_string(i)});
  }

  fs::path StoreFolder() const { return folder_.path() + "/store"; }
  fs::path DatabaseFolder() const { return StoreFolder() / "db"; }

  // The newest file of the database whose name begins or ends so.
  fs::path FileLike(std::string_view begin, std::string_view end) const {
    fs::path found;
    for (const fs::directory_entry& entry : fs::directory_iterator(DatabaseFolder())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(begin) && name.ends_with(end) && entry.path() > found) {
        found = entry.path();
      }
    }
    EXPECT_FALSE(found.empty()) << begin << "*" << end;
    return found;
  }

  // All messages in tables, the log empty.
  void WriteTables() {
    store_->store()->Compact();
    store_->Close();
    // RocksDB writes what its log holds into tables when it opens.
    const absl::Status opened = store_->Open();
    ASSERT_TRUE(opened.ok()) << opened;
    store_->Close();
  }

  std::map<std::string, std::string> Snapshot() const {
    std::map<std::string, std::string> files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(StoreFolder())) {
      if (entry.is_regular_file()) files[entry.path()] = ReadFile(entry.path());
    }
    return files;
  }

  // Expects that the closed store does not open, says `text`, and that nothing changes by that.
  void ExpectRefused(std::string_view text) {
    const std::map<std::string, std::string> before = Snapshot();
    const absl::Status opened = store_->Open();
    ASSERT_FALSE(opened.ok()) << "opened, though: " << text;
    EXPECT_NE(std::string(opened.message()).find(text), std::string::npos) << opened;
    EXPECT_NE(std::string(opened.message()).find(StoreFolder()), std::string::npos) << opened;
    const std::map<std::string, std::string> after = Snapshot();
    for (const auto& [name, content] : before) {
      EXPECT_TRUE(after.contains(name)) << name << " is gone";
      if (after.contains(name)) {
        EXPECT_EQ(content.size(), after.at(name).size()) << name;
        EXPECT_TRUE(content == after.at(name)) << name << " has changed";
      }
    }
    EXPECT_EQ(after.size(), before.size()) << "a file was added";
  }

  const TempFolder folder_;
  std::unique_ptr<StoreDriver> store_;
};

TEST_F(StoreDamage, WithoutAnyItOpens) {
  store_->Reopen();
  EXPECT_EQ(store_->Waiting("bob", 0).count, 20u);
  WriteTables();
  ASSERT_TRUE(store_->Open().ok());
  EXPECT_EQ(store_->Waiting("bob", 0).count, 20u);
}

TEST_F(StoreDamage, ALogThatIsCutOffAnywhereIsNoticed) {
  store_->Close();
  const fs::path log = FileLike("", ".log");
  const std::string whole = ReadFile(log);
  ASSERT_GT(whole.size(), 100u);
  for (size_t size : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 1}) {
    SCOPED_TRACE(size);
    WriteFile(log, std::string_view(whole).substr(0, size));
    if (size == 0) {
      EXPECT_FALSE(store_->Open().ok());
    } else {
      ExpectRefused("has lost its last commits");
    }
  }
  WriteFile(log, whole);
  ASSERT_TRUE(store_->Open().ok());
  EXPECT_EQ(store_->Waiting("bob", 0).count, 20u);
}

TEST_F(StoreDamage, ALogThatIsGoneIsNoticed) {
  store_->Close();
  fs::remove(FileLike("", ".log"));
  ExpectRefused("");
}

TEST_F(StoreDamage, AByteThatChangedInTheLogIsNoticed) {
  store_->Close();
  const fs::path log = FileLike("", ".log");
  const std::string whole = ReadFile(log);
  for (size_t at = 0; at < whole.size(); at += whole.size() / 7) {
    SCOPED_TRACE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    WriteFile(log, changed);
    ExpectRefused("");
  }
}

// What a crash left behind the last commit was never answered for.
TEST_F(StoreDamage, HalfACommitAtTheEndOfTheLogIsNoDamage) {
  store_->Close();
  const fs::path log = FileLike("", ".log");
  const std::string whole = ReadFile(log);
  WriteFile(log, whole + whole.substr(0, 40).replace(0, 4, "xxxx"));
  ASSERT_TRUE(store_->Open().ok());
  EXPECT_EQ(store_->Waiting("bob", 0).count, 20u);
}

TEST_F(StoreDamage, ATableThatIsCutOffOrGoneIsNoticed) {
  WriteTables();
  const fs::path table = FileLike("", ".sst");
  const std::string whole = ReadFile(table);
  WriteFile(table, std::string_view(whole).substr(0, whole.size() / 2));
  ExpectRefused("");
  fs::remove(table);
  ExpectRefused("");
}

TEST_F(StoreDamage, AByteThatChangedInATableFailsReadsAndIsNeverAShortAnswer) {
  WriteTables();
  for (const fs::directory_entry& entry : fs::directory_iterator(DatabaseFolder())) {
    if (entry.path().extension() != ".sst") continue;
    std::string content = ReadFile(entry.path());
    for (size_t at = 20; at < 40 && at < content.size(); ++at) {
      content[at] = static_cast<char>(content[at] ^ 0x40);
    }
    WriteFile(entry.path(), content);
  }
  if (!store_->Open().ok()) return;  // noticed at once: as good
  EXPECT_EQ(store_->AskWaiting("bob", 0).status, StoreStatus::kFailed);
  EXPECT_GE(store_->store()->figures().reads_failed, 1u);
  EXPECT_FALSE(store_->log().empty());
}

TEST_F(StoreDamage, AManifestThatChangedOrIsGoneIsNoticed) {
  WriteTables();
  const fs::path manifest = FileLike("MANIFEST-", "");
  const std::string whole = ReadFile(manifest);
  std::string changed = whole;
  changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 0x40);
  WriteFile(manifest, changed);
  ExpectRefused("");
  WriteFile(manifest, std::string_view(whole).substr(0, whole.size() / 2));
  ExpectRefused("");
  fs::remove(manifest);
  ExpectRefused("");
}

TEST_F(StoreDamage, ADatabaseWithoutItsRootIsNotTakenForANewOne) {
  store_->Close();
  fs::remove(DatabaseFolder() / "CURRENT");
  ExpectRefused("CURRENT");
  fs::remove_all(DatabaseFolder());
  ExpectRefused("CURRENT");
}

TEST_F(StoreDamage, AMarkThatIsNoneIsNoticedAndOneThatIsGoneIsMadeAnew) {
  store_->Close();
  WriteFile(StoreFolder() / "committed", "12");
  ExpectRefused("committed");
  fs::remove(StoreFolder() / "committed");
  ASSERT_TRUE(store_->Open().ok());
  EXPECT_EQ(ReadFile(StoreFolder() / "committed").size(), 21u);
  EXPECT_EQ(store_->Send("alice", "bob", {"more"}), 21u) << "it is no new store";
  store_->Close();
  fs::remove(StoreFolder() / "committed");
  store_->options().server_name = "b.example";
  ExpectRefused("belongs to the server a.example");
}

TEST_F(StoreDamage, AnotherServersStoreIsRefused) {
  store_->Close();
  store_->options().server_name = "b.example";
  ExpectRefused("belongs to the server a.example");
}

TEST_F(StoreDamage, ALaterSchemaIsRefused) {
  store_->Close();
  {
    DatabaseOptions options;
    options.folder = DatabaseFolder();
    options.write_buffer_bytes = 1 << 20;
    absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((**database)->Put({}, (*database)->space(StoreSpace::kMeta), "schema", "3").ok());
  }
  ExpectRefused("schema 3");
}

// Killed at any point of its first start, it starts.
TEST_F(StoreDamage, WhatAFirstStartLeftIsUsed) {
  const TempFolder folder;
  DiskStoreOptions options;
  options.path = folder.path() + "/store";
  options.server_name = "a.example";
  fs::create_directories(options.path + "/db");
  WriteFile(options.path + "/lock", "");
  { EXPECT_TRUE(DiskStore::Open(options).ok()); }
  fs::remove(options.path + "/committed");
  { EXPECT_TRUE(DiskStore::Open(options).ok()); }
}

TEST_F(StoreDamage, AStoreThatCannotBeMadeSaysWhere) {
  WriteFile(folder_.path() + "/file", "");
  DiskStoreOptions options;
  options.path = folder_.path() + "/file/store";
  options.server_name = "a.example";
  const absl::Status opened = DiskStore::Open(options).status();
  EXPECT_NE(std::string(opened.message()).find(options.path), std::string::npos) << opened;
}

TEST_F(StoreDamage, ABackupIsAStoreOfItsOwn) {
  const std::string folder = folder_.path() + "/backup";
  ASSERT_TRUE(store_->store()->Backup(folder).ok());
  EXPECT_FALSE(store_->store()->Backup(folder).ok()) << "nothing is overwritten";
  store_->Send("alice", "bob", {"later"});
  DiskStoreOptions options;
  options.path = folder;
  StoreDriver backup(options);
  EXPECT_EQ(backup.Waiting("bob", 0).count, 20u);
  EXPECT_EQ(backup.Send("alice", "bob", {"elsewhere"}), 21u);
  EXPECT_EQ(store_->Waiting("bob", 0).count, 21u);
}

}  // namespace
}  // namespace solec

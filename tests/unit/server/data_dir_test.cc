#include "server/data_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace solec {
namespace {

class DataDirTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "solec-data-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(DataDirTest, IsMadeForItsOwnerAloneAndTakenIfItIsThere) {
  for (const std::string& data_dir : {folder_ + "/new", folder_ + "/newer/"}) {
    EXPECT_TRUE(CheckDataDir(data_dir).ok());
    EXPECT_FALSE(std::filesystem::exists(data_dir)) << "a check changes nothing";
    EXPECT_TRUE(MakeDataDir(data_dir).ok());
    struct stat found {};
    ASSERT_EQ(stat(data_dir.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0700u);
    EXPECT_TRUE(CheckDataDir(data_dir).ok());
    EXPECT_TRUE(MakeDataDir(data_dir).ok());
  }
}

TEST_F(DataDirTest, APathOfWhichMoreIsMissingIsRefused) {
  const std::string data_dir = folder_ + "/not/mounted";
  for (const absl::Status& status : {CheckDataDir(data_dir), MakeDataDir(data_dir)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(status.message().find(data_dir), std::string::npos) << status;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/not"));
}

TEST_F(DataDirTest, AFileInItsPlaceIsRefusedAndLeftAlone) {
  const std::string data_dir = folder_ + "/file";
  std::ofstream(data_dir) << "precious";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckDataDir(data_dir)));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeDataDir(data_dir)));
  EXPECT_TRUE(absl::IsInvalidArgument(MakeDataDir(data_dir + "/below")));
  EXPECT_EQ(std::filesystem::file_size(data_dir), 8u);
}

// Runs `check` as a user who is not root, to whom no folder is open that is not for everybody.
// True if it held.
bool HoldsForNobody(const std::function<bool()>& check) {
  constexpr uid_t kNobody = 65'534;
  const pid_t child = fork();
  if (child == 0) _exit((geteuid() != 0 || setuid(kNobody) == 0) && check() ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(DataDirTest, AFolderThatMayNotBeWrittenToIsNotPermitted) {
  const std::string closed = folder_ + "/closed";
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(mkdir(closed.c_str(), 0555), 0);
  EXPECT_TRUE(HoldsForNobody([&] { return absl::IsPermissionDenied(CheckDataDir(closed)); }));
  EXPECT_TRUE(HoldsForNobody([&] { return absl::IsPermissionDenied(MakeDataDir(closed)); }));
  const std::string below = closed + "/new";
  EXPECT_TRUE(HoldsForNobody([&] { return absl::IsPermissionDenied(CheckDataDir(below)); }));
  EXPECT_TRUE(HoldsForNobody([&] { return absl::IsPermissionDenied(MakeDataDir(below)); }));
}

}  // namespace
}  // namespace solec

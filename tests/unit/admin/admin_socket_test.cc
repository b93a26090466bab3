#include "admin/admin_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace solec {
namespace {

class AdminSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "solec-admin-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "admin.sock").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<AdminSocket>> Start() { return AdminSocket::Start(path_, {}); }

  int Connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(AdminSocketTest, IsForItsOwnerAloneAndGoesAtTheEnd) {
  {
    const auto server = Start();
    ASSERT_TRUE(server.ok()) << server.status();
    struct stat found {};
    ASSERT_EQ(stat(path_.c_str(), &found), 0);
    EXPECT_TRUE(S_ISSOCK(found.st_mode));
    EXPECT_EQ(found.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(AdminSocketTest, SecondServerIsRefusedAndTheFirstGoesOn) {
  const auto first = Start();
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(absl::IsUnavailable(Start().status()));
  const int fd = Connect();
  ASSERT_EQ(send(fd, "{}\n", 3, 0), 3);
  char answer[64];
  EXPECT_GT(recv(fd, answer, sizeof(answer), 0), 0);
  close(fd);
}

TEST_F(AdminSocketTest, SocketOfADeadServerIsReplaced) {
  // What a kill leaves: the file, and nobody behind it.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(dead);
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(Start().ok());
}

TEST_F(AdminSocketTest, OtherFileIsNotTouched) {
  std::ofstream(path_) << "precious";
  EXPECT_TRUE(absl::IsUnavailable(Start().status()));
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(AdminSocketTest, PathThatCannotBeIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(AdminSocket::Start(std::string(200, 'x'), {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      AdminSocket::Start((folder_ / "none" / "admin.sock").string(), {}).status()));
}

TEST_F(AdminSocketTest, EndDoesNotWaitForAClientThatNeverReads) {
  auto server = Start();
  ASSERT_TRUE(server.ok());
  const int fd = Connect();
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "{}\n";
  // Until neither side takes any more: the answers fill the client's buffer, its commands ours.
  ssize_t sent = 0;
  for (int i = 0; i < 100'000 && sent >= 0; ++i) {
    sent = send(fd, lines.data(), lines.size(), MSG_DONTWAIT);
  }
  server->reset();
  char byte;
  while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0) {
  }
  close(fd);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace solec

#include "admin/admin_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

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

  absl::StatusOr<std::unique_ptr<AdminSocket>> Start(AdminContext context = {}) {
    return AdminSocket::Start(path_, std::move(context));
  }

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

TEST_F(AdminSocketTest, SlowCommandKeepsNoOtherClientWaiting) {
  std::promise<void> finish;
  AdminContext context;
  context.reload = [done = finish.get_future().share()] {
    done.wait();
    return absl::OkStatus();
  };
  const auto server = Start(context);
  ASSERT_TRUE(server.ok());
  const int slow = Connect(), quick = Connect();
  const std::string_view reload = "{\"command\":\"reload\"}\n{}\n";
  ASSERT_EQ(send(slow, reload.data(), reload.size(), 0), static_cast<ssize_t>(reload.size()));
  ASSERT_EQ(send(quick, "{}\n", 3, 0), 3);
  char answer[256];
  EXPECT_GT(recv(quick, answer, sizeof(answer), 0), 0);
  EXPECT_LT(recv(slow, answer, sizeof(answer), MSG_DONTWAIT), 0);
  finish.set_value();
  // Its next command is answered after that, and on its own.
  ssize_t size = recv(slow, answer, sizeof(answer), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(answer, static_cast<size_t>(size)), "{\"ok\":true}\n");
  size = recv(slow, answer, sizeof(answer), 0);
  ASSERT_GT(size, 0);
  EXPECT_NE(std::string_view(answer, static_cast<size_t>(size)).find("usage"),
            std::string_view::npos);
  close(slow);
  close(quick);
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

#include "admin/admin_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace solec {
namespace {

constexpr size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
// How long to wait before accepting again after there was no descriptor for it.
constexpr int kAcceptPauseMs = 100;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool WouldBlock(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

absl::Status Failed(const std::string& where, int error) {
  const std::string text = where + std::strerror(error);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(text + "; give another [admin] socket");
  }
  if (error == ENOENT || error == ENOTDIR) {
    return absl::InvalidArgumentError(text + "; create the folder");
  }
  return absl::UnavailableError(text);
}

}  // namespace

absl::Status AdminSocket::CheckPath(const std::string& path) {
  if (path.size() <= kPathBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError("admin socket " + path + ": the path is longer than " +
                                    std::to_string(kPathBytesMax) + " bytes");
}

absl::StatusOr<std::unique_ptr<AdminSocket>> AdminSocket::Start(const std::string& path,
                                                                AdminContext context) {
  if (absl::Status status = CheckPath(path); !status.ok()) return status;
  const std::string where = "admin socket " + path + ": ";
  // The kernel lets go of the lock when its holder dies, so whoever has it may replace the socket.
  // The file is never removed: two servers could then hold locks on two files of that name.
  const std::string lock_path = path + ".lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Failed(where, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::UnavailableError(where + "another server runs there");
  }
  struct stat existing {};
  if (lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      close(lock);
      return absl::UnavailableError(where + "there is a file with that name that is no socket");
    }
    unlink(path.c_str());
  }
  const sockaddr_un address = AddressOf(path);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Before bind: the file that bind creates has these rights from its first moment on.
  fchmod(listener, 0600);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener, SOMAXCONN) != 0) {
    const int error = errno;
    close(listener);
    close(lock);
    return Failed(where, error);
  }
  return std::unique_ptr<AdminSocket>(
      new AdminSocket(path, std::move(context), lock, listener));
}

AdminSocket::AdminSocket(std::string path, AdminContext context, int lock, int listener)
    : path_(std::move(path)),
      context_(std::move(context)),
      lock_(lock),
      listener_(listener),
      stop_(eventfd(0, EFD_CLOEXEC)),
      answered_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Serve(); }) {}

AdminSocket::~AdminSocket() {
  eventfd_write(stop_, 1);
  thread_.join();
  for (const Client& client : clients_) close(client.fd);
  clients_.clear();  // waits for the commands under way
  close(answered_);
  close(stop_);
  close(listener_);
  unlink(path_.c_str());
  close(lock_);
}

void AdminSocket::Serve() {
  std::vector<pollfd> polled;
  bool accepting = true;
  for (uint64_t turn = 1;; ++turn) {
    int timeout_ms = accepting ? -1 : kAcceptPauseMs;
    polled.assign({{stop_, POLLIN, 0},
                   {listener_, static_cast<short>(accepting ? POLLIN : 0), 0},
                   {answered_, POLLIN, 0}});
    for (const Client& client : clients_) {
      if (client.has_work()) timeout_ms = 0;
      // One whose command is under way is not looked at, not even if it has gone.
      polled.push_back({client.command != nullptr ? -1 : client.fd,
                        static_cast<short>(client.output.empty() ? POLLIN : POLLOUT), 0});
    }
    if (poll(polled.data(), polled.size(), timeout_ms) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    eventfd_t answered;
    eventfd_read(answered_, &answered);
    for (size_t i = clients_.size(); i-- > 0;) {
      Client& client = clients_[i];
      if (polled[i + 3].revents == 0 && !client.has_work()) continue;
      client.served = turn;
      if (ServeClient(&client)) continue;
      close(client.fd);
      clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i));
    }
    accepting = polled[1].revents == 0 || Accept(turn);
  }
}

bool AdminSocket::ServeClient(Client* client) {
  if (client->command != nullptr) {
    client->output = client->command->answer + "\n";
    client->command.reset();
  }
  const size_t line_size = client->input.find('\n');
  if (client->output.empty() && line_size != std::string::npos) {
    Begin(client, client->input.substr(0, line_size));
    client->input.erase(0, line_size + 1);
    return true;
  }
  if (!client->output.empty()) {
    const ssize_t sent =
        send(client->fd, client->output.data(), client->output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return WouldBlock(errno);
    client->output.erase(0, static_cast<size_t>(sent));
    return !client->closing || !client->output.empty();
  }
  char buffer[16 * 1024];
  const ssize_t received = recv(client->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (received < 0) return WouldBlock(errno);
  client->input.append(buffer, static_cast<size_t>(received));
  if (client->input.size() > kLineBytesMax && !client->has_line()) {
    client->output = R"({"ok":false,"code":"usage","error":"the line is too long"})"
                     "\n";
    client->closing = true;
  }
  return received > 0;
}

void AdminSocket::Begin(Client* client, std::string line) {
  client->command = std::make_unique<Command>(std::move(line));
  const auto run = [this, command = client->command.get()] {
    command->answer = RunAdminCommand(context_, command->line);
    command->done.store(true, std::memory_order_release);
    eventfd_write(answered_, 1);
  };
  try {
    client->command->thread = std::thread(run);
  } catch (const std::system_error&) {
    run();  // no thread is to be had: then the others wait
  }
}

bool AdminSocket::Accept(uint64_t turn) {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return WouldBlock(errno) || errno == ECONNABORTED;
  if (clients_.size() >= kClientsMax) {
    // One whose command is under way would have to be waited for.
    const auto silent = std::ranges::min_element(clients_, {}, [](const Client& client) {
      return std::pair(client.command != nullptr, client.served);
    });
    if (silent->command != nullptr) {
      close(fd);
      return true;
    }
    close(silent->fd);
    clients_.erase(silent);
  }
  clients_.push_back({fd, turn, {}, {}});
  return true;
}

}  // namespace solec

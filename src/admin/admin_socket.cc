#include "admin/admin_socket.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace solec {
namespace {

constexpr size_t kClientsMax = 64;            // more wait in the backlog
constexpr size_t kLineBytesMax = 64 * 1024;   // over it: the client is closed
constexpr int kSendTimeoutSeconds = 5;

struct Client {
  int fd;
  std::string input;
};

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// True if somebody answers there.
bool IsAlive(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return alive;
}

bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Reads what came and answers each whole line. False: the client is gone or sends nonsense.
bool ServeClient(const AdminContext& context, Client* client) {
  char buffer[16 * 1024];
  const ssize_t received = recv(client->fd, buffer, sizeof(buffer), 0);
  if (received <= 0) return received < 0 && errno == EINTR;
  client->input.append(buffer, static_cast<size_t>(received));
  size_t begin = 0;
  for (size_t end; (end = client->input.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(client->input).substr(begin, end - begin);
    if (!SendAll(client->fd, RunAdminCommand(context, line) + "\n")) return false;
  }
  client->input.erase(0, begin);
  return client->input.size() <= kLineBytesMax;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminSocket>> AdminSocket::Start(const std::string& path,
                                                                AdminContext context) {
  const std::string where = "admin socket " + path + ": ";
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(where + "the path is longer than " +
                                      std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  }
  const sockaddr_un address = AddressOf(path);
  struct stat existing{};
  if (lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      return absl::UnavailableError(where + "there is a file with that name that is no socket");
    }
    if (IsAlive(address)) return absl::UnavailableError(where + "another server runs there");
    unlink(path.c_str());
  }
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const mode_t mask = umask(0177);  // nobody else, from the first moment on
  const bool bound =
      bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      listen(listener, 64) == 0;
  const int error = errno;
  umask(mask);
  if (!bound) {
    close(listener);
    const std::string text = where + std::strerror(error);
    if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
    if (error == ENOENT) return absl::InvalidArgumentError(text + "; create the folder");
    return absl::UnavailableError(text);
  }
  return std::unique_ptr<AdminSocket>(
      new AdminSocket(path, std::move(context), listener, eventfd(0, EFD_CLOEXEC)));
}

AdminSocket::AdminSocket(std::string path, AdminContext context, int listener, int stop)
    : path_(std::move(path)),
      context_(std::move(context)),
      listener_(listener),
      stop_(stop),
      thread_([this] { Serve(); }) {}

AdminSocket::~AdminSocket() {
  eventfd_write(stop_, 1);
  thread_.join();
  close(stop_);
  close(listener_);
  unlink(path_.c_str());
}

void AdminSocket::Serve() {
  std::vector<Client> clients;
  std::vector<pollfd> polled;
  for (;;) {
    polled.assign({{stop_, POLLIN, 0},
                   {listener_, static_cast<short>(clients.size() < kClientsMax ? POLLIN : 0), 0}});
    for (const Client& client : clients) polled.push_back({client.fd, POLLIN, 0});
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) break;
    if (polled[0].revents != 0) break;
    for (size_t i = clients.size(); i-- > 0;) {
      if (polled[i + 2].revents == 0 || ServeClient(context_, &clients[i])) continue;
      close(clients[i].fd);
      clients.erase(clients.begin() + static_cast<ptrdiff_t>(i));
    }
    if (polled[1].revents != 0) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const timeval patience{kSendTimeoutSeconds, 0};
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
      clients.push_back({fd, {}});
    }
  }
  for (const Client& client : clients) close(client.fd);
}

}  // namespace solec

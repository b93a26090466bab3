// The administrator's Unix socket: a command a line, an answer a line (commands.h). Only the user
// that the server runs as may open it.
//
// One thread serves all clients and waits for none of them: a client that does not take its answer
// is asked for no more commands, and each command runs on a thread of its own, since a test of a
// link may take as long as a login. Bounds: kLineBytesMax a command, one command a client at a
// time, kClientsMax clients; one more, and the one that has been silent for longest is closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "admin/commands.h"

namespace solec {

class AdminSocket {
 public:
  static constexpr size_t kLineBytesMax = 64 * 1024;
  static constexpr size_t kClientsMax = 64;

  // InvalidArgument if no socket can have that path.
  static absl::Status CheckPath(const std::string& path);

  // Binds `path` (a socket that a dead server left there is replaced) and serves it on a thread.
  // `path`.lock tells a dead server from a live one; it stays. Errors: Unavailable if a live server
  // has it, PermissionDenied, InvalidArgument.
  static absl::StatusOr<std::unique_ptr<AdminSocket>> Start(const std::string& path,
                                                            AdminContext context);
  ~AdminSocket();  // stops, and removes the socket

 private:
  // Its thread runs it and then tells Serve.
  struct Command {
    std::string line;
    std::string answer = {};
    std::atomic<bool> done{false};
    std::thread thread = {};

    explicit Command(std::string what) : line(std::move(what)) {}
    ~Command() {
      if (thread.joinable()) thread.join();
    }
  };
  struct Client {
    int fd;
    uint64_t served;  // when it was served last, counted in turns of Serve
    std::string input;
    std::string output;
    bool closing = false;  // once the output is sent
    std::unique_ptr<Command> command = {};  // under way

    bool has_line() const { return input.find('\n') != std::string::npos; }
    // Something can be done for it whether or not its socket is ready.
    bool has_work() const {
      return command != nullptr ? command->done.load(std::memory_order_acquire)
                                : output.empty() && has_line();
    }
  };

  AdminSocket(std::string path, AdminContext context, int lock, int listener);
  void Serve();
  void Begin(Client* client, std::string line);
  // Does one thing: takes an answer, sends, begins one command, or receives. False: close it.
  bool ServeClient(Client* client);
  // False if there was nobody to accept, or no descriptor for it.
  bool Accept(uint64_t turn);

  const std::string path_;
  const AdminContext context_;
  const int lock_;
  const int listener_;
  const int stop_;      // eventfds: written to end Serve,
  const int answered_;  // and when a command is done
  std::vector<Client> clients_;
  std::thread thread_;
};

}  // namespace solec

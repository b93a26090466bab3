// A way between two servers that can be cut: one of them dials it, it forwards to the other. While
// it is cut nobody listens there, so a dial is refused as by a machine that is down.
//
// A thread of its own, which sleeps as long as nothing moves; one owner. Bounds: kLinksMax
// connections, kBufferBytes for each direction of them.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/server_address.h"

namespace solec {

class LinkProxy {
 public:
  static constexpr size_t kLinksMax = 16;
  static constexpr size_t kBufferBytes = 256 << 10;

  // Listens at `listen` (HOST:PORT, an address of this machine) for connections to `target`.
  static absl::StatusOr<std::unique_ptr<LinkProxy>> Start(const std::string& listen,
                                                          const ServerAddress& target);
  ~LinkProxy();
  LinkProxy(const LinkProxy&) = delete;
  LinkProxy& operator=(const LinkProxy&) = delete;

  // Closes all connections and the listening socket; returns when that is done.
  void Cut();
  // Listens again. kUnavailable if the address is in use by now.
  absl::Status Heal();

  // Connections that came so far.
  uint64_t links() const;

 private:
  // One direction of a connection: what was read from `from` and not yet written to `to`.
  struct Direction {
    int from, to;
    std::vector<char> bytes;
    size_t begin = 0;  // of what is left
    size_t end = 0;

    bool empty() const { return begin == end; }
  };
  struct Link {
    Direction there, back;
  };

  LinkProxy(ServerAddress listen, const ServerAddress& target, int wake);
  absl::Status Listen();
  void Run();
  void Accept();
  // Moves what can be moved. False: one side has ended.
  static bool Move(Direction* direction, short readable, short writable);
  void CloseLinks();

  const ServerAddress listen_;
  const ServerAddress target_;
  const int wake_;  // an eventfd: the thread looks at what it is told
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  int listener_ = -1;
  bool cut_ = false;      // what is wanted
  bool is_cut_ = false;   // what is
  bool stopping_ = false;
  uint64_t accepted_ = 0;
  std::list<Link> links_;  // of the thread
  std::thread thread_;
};

}  // namespace solec

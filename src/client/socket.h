// A TCP connection of the client: non-blocking, waited for with poll(2). It owns its descriptor;
// one thread uses it. Nothing here waits longer than the deadline it is given (but for the
// resolver, whose own timeouts rule a name's look-up).
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "client/deadline.h"
#include "client/endpoint.h"

namespace solec {

class Socket {
 public:
  enum class Outcome { kMoved, kWouldBlock, kEnd, kBroken };
  struct Transfer {
    Outcome outcome;
    size_t size = 0;  // bytes, for kMoved
    int error = 0;    // errno, for kBroken
  };

  // Tries each address of the host in turn. kUnavailable: the text holds the host and the reason.
  static absl::StatusOr<Socket> Connect(const Endpoint& endpoint, Deadline deadline);

  // Takes over a connected stream socket (a socketpair in tests) and makes it non-blocking.
  explicit Socket(int fd);
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { Close(); }

  int fd() const { return fd_; }

  Transfer Read(uint8_t* to, size_t size);
  Transfer Write(Bytes bytes);

  // Waits until it can be read or written, as wanted, or the deadline passes. Broken counts as
  // both.
  void Wait(bool for_read, bool for_write, Deadline deadline);

  // No more will be written: the other side reads what was sent, then the end.
  void FinishWriting();
  void Close();

 private:
  int fd_;
};

}  // namespace solec

// A TCP connection of the client, with TLS over it if that is wanted: non-blocking, waited for with
// poll(2). It owns its descriptor;
// one thread uses it. Nothing here waits longer than the deadline it is given (but for the
// resolver, whose own timeouts rule a name's look-up).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "client/deadline.h"
#include "client/endpoint.h"
#include "client/tls_stream.h"

namespace solec {

class Socket {
 public:
  enum class Outcome { kMoved, kWouldBlock, kEnd, kBroken };
  struct Transfer {
    Outcome outcome;
    size_t size = 0;  // bytes, for kMoved
    std::string error;  // why, for kBroken
  };

  // Tries each address of the host in turn. kUnavailable: the text holds the host and the reason.
  static absl::StatusOr<Socket> Connect(const Endpoint& endpoint, Deadline deadline);

  // Takes over a connected stream socket (a socketpair in tests) and makes it non-blocking.
  explicit Socket(int fd);
  Socket(Socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { Close(); }

  int fd() const { return fd_; }

  // From here on everything is encrypted. `server` is for texts. Errors as TlsStream::Connect.
  absl::Status StartTls(const TlsClientOptions& options, const std::string& server,
                        Deadline deadline);

  // Bytes have arrived already that Read would give: waiting for more may be in vain.
  bool HasBuffered() const { return tls_ != nullptr && tls_->HasBuffered(); }

  Transfer Read(uint8_t* to, size_t size);
  Transfer Write(Bytes bytes);

  // Waits until it can be read or written, as wanted, or the deadline passes. Broken counts as
  // both. Not at all while there are bytes to be read that have arrived.
  void Wait(bool for_read, bool for_write, Deadline deadline);

  // No more will be written: the other side reads what was sent, then the end.
  void FinishWriting();
  void Close();

 private:
  Transfer FromTls(TlsStream::Transfer transfer);

  int fd_;
  std::unique_ptr<TlsStream> tls_;  // null: plain
};

}  // namespace solec

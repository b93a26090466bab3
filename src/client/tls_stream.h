// TLS 1.3 over a connected, non-blocking socket, for clients: the other side must show a
// certificate that is trusted and is for the server's name, unless nobody wants to know. The socket
// stays its owner's; one thread uses it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "client/deadline.h"

struct ssl_st;

namespace solec {

struct TlsClientOptions {
  std::string server_name;  // what the certificate must be for: a server of SOLEC, or an address
  std::string ca_file;      // PEM; who is trusted, instead of what this system trusts
  bool insecure = false;    // trust anybody
};

class TlsStream {
 public:
  enum class Outcome { kMoved, kWaitToRead, kWaitToWrite, kEnd, kBroken };
  struct Transfer {
    Outcome outcome;
    size_t size = 0;
    std::string error;  // for kBroken
  };

  // Shakes hands before the deadline. `server` is for texts. kInvalidArgument: `ca_file` is no
  // certificate; kUnavailable: no TLS, not in time, or not to be trusted.
  static absl::StatusOr<std::unique_ptr<TlsStream>> Connect(int fd, const TlsClientOptions& options,
                                                            const std::string& server,
                                                            Deadline deadline);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Transfer Read(uint8_t* to, size_t size);
  Transfer Write(Bytes bytes);
  // More can be read without anything coming from the network.
  bool HasBuffered() const;
  // Says goodbye, as far as there is room for it.
  void FinishWriting();

 private:
  explicit TlsStream(ssl_st* ssl) : ssl_(ssl) {}
  Transfer Failed(int result);

  ssl_st* ssl_;
  bool broken_ = false;
};

}  // namespace solec

#include "io/ktls_probe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace solec {

// A kernel that has it finds that the socket is not connected; one that has not does not know the
// name (ENOENT), or, where modules may not be loaded, the option.
// https://docs.kernel.org/networking/tls.html
bool KernelHasTls() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  constexpr char kName[] = "tls";
  const int done = setsockopt(fd, IPPROTO_TCP, TCP_ULP, kName, sizeof(kName));
  const bool known = done == 0 || errno == ENOTCONN;
  close(fd);
  return known;
}

}  // namespace solec

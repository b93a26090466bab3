#include "net/tls_bio.h"

#include <openssl/bio.h>

#include "base/assert.h"

namespace solec {
namespace {

int Read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const int taken =
      TlsSessionCallbacks::Read(static_cast<TlsSession*>(BIO_get_data(bio)),
                                reinterpret_cast<uint8_t*>(to), static_cast<size_t>(size));
  if (taken != 0) return taken;
  BIO_set_retry_read(bio);
  return -1;
}

int Write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const Bytes bytes(reinterpret_cast<const uint8_t*>(from), static_cast<size_t>(size));
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  return TlsSessionCallbacks::Write(session, bytes) ? size : -1;
}

long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int Create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "solec session");
    SOLEC_ASSERT(made != nullptr);
    BIO_meth_set_read(made, Read);
    BIO_meth_set_write(made, Write);
    BIO_meth_set_ctrl(made, Control);
    BIO_meth_set_create(made, Create);
    return made;
  }();
  return method;
}

}  // namespace

bio_st* NewTlsBio(TlsSession* session) {
  BIO* bio = BIO_new(Method());
  SOLEC_ASSERT(bio != nullptr);
  BIO_set_data(bio, session);
  return bio;
}

}  // namespace solec

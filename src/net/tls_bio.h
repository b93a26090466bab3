// The BIO through which OpenSSL reads a TlsSession's input and writes its output: it holds nothing,
// where OpenSSL's own memory BIOs would keep buffers of their own for each idle connection. Used
// only within calls into that session.
#pragma once

#include "net/tls_session.h"

namespace solec {

struct TlsSessionCallbacks {
  // Bytes that were read; 0: there are none for now.
  static int Read(TlsSession* session, uint8_t* to, size_t size);
  // False: more than may wait.
  static bool Write(TlsSession* session, Bytes bytes);
  // Each message of a handshake, and each record's header.
  static void OnHandshakeMessage(int sent, int version, int content_type, const void* bytes,
                                 size_t size, ssl_st* ssl, void* session);
};

// One reference, for its SSL. `session` outlives it.
bio_st* NewTlsBio(TlsSession* session);

}  // namespace solec

// TLS sessions on their way from one shard to another: the mail that hands a connection over holds
// a session's number here. So one whose mail is never taken in is freed with the rest. Shared by
// all shards, and touched only when a TLS connection moves.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "net/tls_session.h"

namespace solec {

class MovingTls {
 public:
  // The number to take it back with; 0 for none.
  uint64_t Put(std::unique_ptr<TlsSession> session) {
    if (session == nullptr) return 0;
    std::lock_guard lock(mutex_);
    sessions_.emplace(++last_number_, std::move(session));
    return last_number_;
  }

  std::unique_ptr<TlsSession> Take(uint64_t number) {
    if (number == 0) return nullptr;
    std::lock_guard lock(mutex_);
    auto found = sessions_.find(number);
    if (found == sessions_.end()) return nullptr;
    std::unique_ptr<TlsSession> session = std::move(found->second);
    sessions_.erase(found);
    return session;
  }

 private:
  std::mutex mutex_;
  uint64_t last_number_ = 0;  // these two under mutex_
  absl::flat_hash_map<uint64_t, std::unique_ptr<TlsSession>> sessions_;
};

}  // namespace solec

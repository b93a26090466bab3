// Finding the numbers of a host's name may take seconds, so shards hand it to somebody else and go
// on. ResolverPool does it on threads; tests have one that answers as they say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/net_address.h"

namespace solec {

struct ResolveRequest {
  uint32_t shard = 0;   // who asks
  uint64_t ticket = 0;  // comes back in the answer
  std::string address;  // "b.example:7654"
};

struct ResolveAnswer {
  uint64_t ticket = 0;
  std::vector<NetAddress> addresses;  // best first, at most kResolvedMax; empty: `error` says why
  std::string error;                  // "b.example: Name or service not known"
};
inline constexpr size_t kResolvedMax = 8;

class Resolver {
 public:
  virtual ~Resolver() = default;

  // Takes a request; false, with nothing taken, if the bounded queue is full. Any shard's thread.
  virtual bool Submit(ResolveRequest request) = 0;

  // Moves the answers for `shard` that are ready to the end of `answers`. That shard's thread. The
  // shard is woken when there are new ones.
  virtual void Poll(uint32_t shard, std::vector<ResolveAnswer>* answers) = 0;
};

}  // namespace solec

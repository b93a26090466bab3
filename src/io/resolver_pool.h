// The system's resolver (getaddrinfo: files, DNS, whatever the host is set up for) on threads of
// its own, with a bounded queue. Numeric addresses are answered at once, without a thread.
//
// A look-up that hangs cannot be interrupted, and takes half a minute where nobody answers: so
// there is more than one thread, and they are not waited for at the end; what they share outlives
// the pool.
#pragma once

#include <functional>
#include <memory>

#include "io/resolver.h"

namespace solec {

class ResolverPool final : public Resolver {
 public:
  struct Options {
    uint32_t shard_count = 1;
    uint32_t thread_count = 2;
    size_t queue_max = 1'024;
    std::function<void(uint32_t shard)> wake;  // there are new answers; any thread
    // What the threads ask; empty: the system.
    std::function<ResolveAnswer(const HostAndPort&)> look_up{};
  };
  explicit ResolverPool(Options options);
  // `wake` is not called any more once this has returned.
  ~ResolverPool() override;

  bool Submit(ResolveRequest request) override;
  void Poll(uint32_t shard, std::vector<ResolveAnswer>* answers) override;

 private:
  struct Shared;
  static void Work(const std::shared_ptr<Shared>& shared);
  static void Answer(Shared* shared, uint32_t shard, ResolveAnswer answer);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace solec

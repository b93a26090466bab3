#include "net/connection_limits.h"

namespace solec {

bool ConnectionLimits::Enter(std::string_view address) {
  const uint64_t before = connections_.fetch_add(1, std::memory_order_relaxed);
  bool allowed = before < connections_max_.load(std::memory_order_relaxed);
  if (allowed && !address.empty()) {
    std::lock_guard lock(mutex_);
    uint64_t& count = by_address_[std::string(address)];
    allowed = count < per_address_max_.load(std::memory_order_relaxed);
    if (allowed) ++count;
  }
  if (!allowed) connections_.fetch_sub(1, std::memory_order_relaxed);
  return allowed;
}

void ConnectionLimits::Leave(std::string_view address) {
  connections_.fetch_sub(1, std::memory_order_relaxed);
  if (address.empty()) return;
  std::lock_guard lock(mutex_);
  auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace solec

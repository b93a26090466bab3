#include "client/receipts.h"

#include <algorithm>

namespace solec {

bool SentReceipts::OnAccepted(uint64_t up_to) {
  if (up_to > sent_) return false;
  answered_ = std::max(answered_, up_to);
  Advance();
  return true;
}

bool SentReceipts::OnRejected(uint64_t number, ErrorCode code) {
  if (number == 0 || number > sent_) return false;
  rejected_[number] = code;
  Advance();
  return true;
}

void SentReceipts::Advance() {
  auto next = rejected_.find(answered_ + 1);
  while (next != rejected_.end() && next->first == answered_ + 1) {
    ++answered_;
    ++next;
  }
  while (rejected_.size() > kRejectedMax && rejected_.begin()->first <= answered_) {
    rejected_.erase(rejected_.begin());
  }
}

ErrorCode SentReceipts::CodeOf(uint64_t number) const {
  const auto found = rejected_.find(number);
  return found == rejected_.end() ? ErrorCode::kNone : found->second;
}

void ReceivedReceipts::OnHandled(int64_t now_ms) {
  if (handled_ == answered_) waiting_since_ms_ = now_ms;
  ++handled_;
}

std::optional<uint64_t> ReceivedReceipts::TakeDue(int64_t now_ms, bool idle) {
  if (handled_ == answered_) return std::nullopt;
  if (!idle && now_ms - waiting_since_ms_ < int64_t{kReceiptDelayMaxMs}) return std::nullopt;
  answered_ = handled_;
  return answered_;
}

}  // namespace solec

// Requests for histories on the clients of a pool, and their answers. One request a client at a
// time. The generator's only thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/client_pool.h"
#include "client/client_event.h"
#include "proto/payloads.h"

namespace solec {

struct HistoryAnswer {
  uint32_t client = 0;
  ErrorCode code = ErrorCode::kNone;
  uint16_t limit = 0;  // that was asked for
  uint32_t count = 0;  // items that came
  uint64_t latency_ns = 0;
};

class HistoryReads final : public ClientSink {
 public:
  // How long ReadNow waits for an answer.
  static constexpr uint64_t kAnswerNs = 20'000'000'000;

  explicit HistoryReads(ClientPool* pool) : pool_(pool), clients_(pool->size()) {}

  // Only views: they live for the call.
  std::function<void(uint32_t client, const HistoryItem& item)> on_item;
  std::function<void(const HistoryAnswer& answer)> on_answer;

  void Ask(uint32_t client, std::string_view address, uint64_t after, uint16_t limit);
  // Requests so far; and whether none is under way.
  uint64_t asked() const { return asked_; }
  bool AllAnswered() const { return under_way_ == 0; }
  uint64_t damaged() const { return damaged_; }  // frames that have no business here

  // Asks and turns until the answer is there; instead of the two functions above.
  absl::StatusOr<std::vector<HistoryEntry>> ReadNow(uint32_t client, std::string_view address,
                                                    uint64_t after, uint16_t limit);

  // --- ClientSink ---
  size_t OnBytes(uint32_t client, Bytes stream) override;
  void OnSent(uint32_t client) override;
  void OnOpen(uint32_t) override {}
  void OnClosed(uint32_t) override {}

 private:
  struct Client {
    std::string words;       // being sent
    std::string next_words;  // as soon as that is over
    bool sending = false;
    bool asking = false;
    uint16_t tag = 0;
    uint16_t limit = 0;
    uint32_t count = 0;
    uint64_t asked_ns = 0;
  };

  void Take(uint32_t client, const Frame& frame);

  ClientPool* const pool_;
  std::vector<Client> clients_;
  uint64_t asked_ = 0;
  uint64_t damaged_ = 0;
  uint32_t under_way_ = 0;
};

// What a refusal means for the run.
absl::Status HistoryRefused(const std::string& asker, ErrorCode code);

}  // namespace solec

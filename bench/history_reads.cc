#include "bench/history_reads.h"

#include <utility>

#include "bench/steady_clock.h"
#include "proto/codec.h"

namespace solec {

absl::Status HistoryRefused(const std::string& asker, ErrorCode code) {
  return absl::AbortedError("a history was refused to " + asker + ": " +
                            std::string(ErrorText(code)));
}

void HistoryReads::Ask(uint32_t id, std::string_view address, uint64_t after, uint16_t limit) {
  Client& client = clients_[id];
  client.asking = true;
  client.limit = limit;
  client.count = 0;
  client.asked_ns = SteadyNs();
  ++asked_;
  ++under_way_;
  AppendFrame(HistoryRequest{++client.tag, address, after, limit}, &client.next_words);
  if (!client.sending) OnSent(id);
}

void HistoryReads::OnSent(uint32_t id) {
  Client& client = clients_[id];
  client.sending = !client.next_words.empty();
  if (!client.sending) return;
  client.words = std::exchange(client.next_words, {});
  pool_->Send(id, AsBytes(client.words));
}

size_t HistoryReads::OnBytes(uint32_t id, Bytes stream) {
  const size_t size = stream.size();
  Frame frame;
  while (TakeFrame(&stream, &frame)) Take(id, frame);
  return size - stream.size();
}

void HistoryReads::Take(uint32_t id, const Frame& frame) {
  Client& client = clients_[id];
  HistoryItem item;
  Result result;
  if (frame.type == PayloadType::kHistoryItem &&
      Decode(frame.payload, &item) == DecodeError::kNone && client.asking &&
      item.tag == client.tag) {
    ++client.count;
    if (on_item) on_item(id, item);
  } else if (frame.type == PayloadType::kResult &&
             Decode(frame.payload, &result) == DecodeError::kNone && client.asking &&
             result.tag == client.tag) {
    client.asking = false;
    --under_way_;
    if (on_answer) {
      on_answer({id, result.code, client.limit, client.count, SteadyNs() - client.asked_ns});
    }
  } else if (frame.type != PayloadType::kMessage) {
    ++damaged_;
  }
}

absl::StatusOr<std::vector<HistoryEntry>> HistoryReads::ReadNow(uint32_t client,
                                                                std::string_view address,
                                                                uint64_t after, uint16_t limit) {
  std::vector<HistoryEntry> entries;
  entries.reserve(limit);
  absl::Status status = absl::UnknownError("not answered");
  on_item = [&entries](uint32_t, const HistoryItem& item) {
    entries.push_back({item.position,
                       {std::string(item.source), std::string(item.target), item.timestamp.seconds,
                        std::string(item.message_content)}});
  };
  on_answer = [&](const HistoryAnswer& answer) {
    status = answer.code == ErrorCode::kNone
                 ? absl::OkStatus()
                 : HistoryRefused(pool_->plan(client).name, answer.code);
  };
  Ask(client, address, after, limit);
  const uint64_t until_ns = SteadyNs() + kAnswerNs;
  while (!AllAnswered() && pool_->status().ok() && SteadyNs() < until_ns) {
    pool_->Turn(kNsPerSecond / 10);
  }
  on_item = nullptr;
  on_answer = nullptr;
  if (!pool_->status().ok()) return pool_->status();
  if (!AllAnswered()) return absl::AbortedError("for 20 s a history was not answered");
  if (!status.ok()) return status;
  return entries;
}

}  // namespace solec

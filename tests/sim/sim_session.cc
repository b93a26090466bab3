#include "sim/sim_session.h"

namespace solec {

void SimSession::Step() {
  client_.Step();
  if (layer_ != nullptr) read_ += layer_->Read(std::exchange(client_.input, {}), &client_);
  std::string& input = layer_ != nullptr ? read_ : client_.input;
  Bytes stream = AsBytes(input);
  const uint64_t before = message_count_;
  for (Frame frame; TakeFrame(&stream, &frame);) {
    received_.push_back({world_->now_ns(), std::string(frame.text())});
    if (frame.type == PayloadType::kMessage) ++message_count_;
  }
  input.erase(0, input.size() - stream.size());
  if (acknowledges && message_count_ != before) Send(Accepted{message_count_});
}

const SimSession::Received* SimSession::Next() {
  const uint64_t end_ns = world_->now_ns() + 1'000'000'000;
  world_->network().NoteTime(end_ns);
  world_->RunUntil(
      [&] { return taken_ < received_.size() || client_.ended() || world_->now_ns() >= end_ns; });
  return taken_ < received_.size() ? &received_[taken_++] : nullptr;
}

}  // namespace solec

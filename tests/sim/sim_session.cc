#include "sim/sim_session.h"

namespace solec {

void SimSession::Step() {
  client_.Step();
  Bytes stream = AsBytes(client_.input);
  const uint64_t before = message_count_;
  for (Frame frame; TakeFrame(&stream, &frame);) {
    received_.push_back({world_->now_ns(), std::string(frame.text())});
    if (frame.type == PayloadType::kMessage) ++message_count_;
  }
  client_.input.erase(0, client_.input.size() - stream.size());
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

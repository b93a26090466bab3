#include "chat/inbox.h"

namespace solec {

void Inbox::FillPosition(DeliveryMark* mark, uint64_t ordinal, uint32_t count,
                         uint64_t last_position) {
  if (mark->target == 0 || mark->mark.position != 0) return;
  if (mark->ordinal > ordinal || mark->ordinal + count <= ordinal) return;
  mark->mark.position = last_position - (ordinal - mark->ordinal);
}

void Inbox::OnKept(uint64_t ordinal, uint32_t count, bool kept, uint64_t last_position) {
  completed_ = ordinal;
  if (kept) kept_.position = last_position;
  else NotSaved();  // nor is the mark that rode with them
  for (TailRun& run : tail_) {
    if (run.position != 0) continue;
    if (run.ordinal > ordinal) break;
    run.position = kept ? last_position - (ordinal - run.ordinal) : kNotKept;
  }
  if (acknowledged_.target == 0) return;
  if (kept) {
    FillPosition(&acknowledged_, ordinal, count, last_position);
  } else if (acknowledged_.ordinal <= ordinal) {
    acknowledged_.mark.position = kept_.position;  // those before it, which were kept
  }
  if (acknowledged_.mark.position == 0) return;
  Acknowledge(acknowledged_);
  acknowledged_.target = 0;
}

void Inbox::Acknowledge(const DeliveryMark& mark) {
  if (mark.mark.position != 0) {
    if (mark.mark.position > delivered_.position) delivered_ = mark.mark;
  } else if (mark.ordinal > completed_) {
    if (acknowledged_.target == 0 || mark.ordinal > acknowledged_.ordinal) acknowledged_ = mark;
  }
}

bool Inbox::PushTail(uint32_t count, Bytes first, Bytes second) {
  tail_bytes_ += first.size() + second.size();
  if (tail_bytes_ > kTailBytesMax) {
    DropTail();
    return false;
  }
  std::string frames(AsString(first));
  frames.append(AsString(second));
  tail_.push_back({submitted_, 0, count, std::move(frames)});
  return true;
}

void Inbox::DropTail() {
  tail_.clear();
  tail_bytes_ = 0;
}

}  // namespace solec

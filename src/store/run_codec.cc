#include "store/run_codec.h"

#include <cstring>

#include "base/assert.h"
#include "proto/frame.h"

namespace solec {

namespace {

constexpr char kPlain = '\1';   // the frames as they are
constexpr char kPacked = '\2';

// What a frame of type Message is made of.
struct Fields {
  Bytes source, target;
  uint64_t seconds = 0;
  Bytes content;
};

constexpr size_t kLengthSize = sizeof(uint16_t);
constexpr size_t kFieldsSizeMin = 3 * kLengthSize + sizeof(uint64_t);

bool TakeText(Bytes* from, Bytes* text) {
  if (from->size() < kLengthSize) return false;
  const size_t size = LoadBig<uint16_t>(from->data());
  if (size > from->size() - kLengthSize) return false;
  *text = from->subspan(kLengthSize, size);
  *from = from->subspan(kLengthSize + size);
  return true;
}

bool ReadFields(const Frame& frame, Fields* fields) {
  Bytes rest = frame.payload;
  if (frame.type != PayloadType::kMessage || !TakeText(&rest, &fields->source) ||
      !TakeText(&rest, &fields->target) || rest.size() < sizeof(uint64_t)) {
    return false;
  }
  fields->seconds = LoadBig<uint64_t>(rest.data());
  rest = rest.subspan(sizeof(uint64_t));
  return TakeText(&rest, &fields->content) && rest.empty();
}

// Small whichever way a difference goes.
uint64_t ZigZag(uint64_t difference) {
  return difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0);
}
uint64_t UnZigZag(uint64_t number) {
  return number >> 1 ^ ((number & 1) != 0 ? UINT64_MAX : 0);
}

// Writes into memory that is large enough.
struct Writer {
  char* at;

  void Number(uint64_t value) {
    while (value >= 0x80) {
      *at++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<char>(value);
  }
  void Text(Bytes text) {
    Number(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
};

bool Equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string_view KeepPlain(Bytes frames, uint64_t count, std::string* buffer) {
  Writer writer{buffer->data()};
  *writer.at++ = kPlain;
  writer.Number(count);
  if (!frames.empty()) std::memcpy(writer.at, frames.data(), frames.size());
  writer.at += frames.size();
  return {buffer->data(), static_cast<size_t>(writer.at - buffer->data())};
}

}  // namespace

std::string_view PackRun(Bytes frames, uint64_t count, std::string* buffer) {
  // A packed message is never longer than its frame, and the head is short.
  constexpr size_t kHeadMax = 1 + 10;
  if (buffer->size() < frames.size() + kHeadMax) buffer->resize(frames.size() + kHeadMax);
  Writer writer{buffer->data()};
  *writer.at++ = kPacked;
  writer.Number(count);
  Bytes rest = frames;
  Frame frame;
  Fields fields, before;
  bool first = true;
  // Messages that differ from the one before in who writes to whom say so with a 1 in the lowest
  // bit of the time.
  while (TakeFrame(&rest, &frame)) {
    if (!ReadFields(frame, &fields)) return KeepPlain(frames, count, buffer);
    const uint64_t passed = ZigZag(fields.seconds - before.seconds);
    // Two bits are taken from the number: a time that far away is no time.
    if (passed >> 62 != 0) return KeepPlain(frames, count, buffer);
    const bool same_source = !first && Equal(fields.source, before.source);
    const bool same_target = !first && Equal(fields.target, before.target);
    writer.Number(passed << 2 | (same_source ? 0u : 1u) | (same_target ? 0u : 2u));
    if (!same_source) writer.Text(fields.source);
    if (!same_target) writer.Text(fields.target);
    writer.Text(fields.content);
    before = fields;
    first = false;
  }
  return {buffer->data(), static_cast<size_t>(writer.at - buffer->data())};
}

namespace {

bool TakePart(std::string_view* from, std::string_view* part, size_t size_max) {
  uint64_t size = 0;
  if (!TakeNumber(from, &size) || size > from->size() || size > size_max) return false;
  *part = from->substr(0, size);
  from->remove_prefix(size);
  return true;
}

void AppendLength(std::string* to, size_t size) {
  to->push_back(static_cast<char>(size >> 8));
  to->push_back(static_cast<char>(size));
}

bool Unpack(std::string_view from, uint64_t count, std::string* frames) {
  std::string_view source, target, content;
  uint64_t seconds = 0;
  for (; count > 0; --count) {
    uint64_t head = 0;
    if (!TakeNumber(&from, &head)) return false;
    if ((head & 1) != 0 && !TakePart(&from, &source, UINT16_MAX)) return false;
    if ((head & 2) != 0 && !TakePart(&from, &target, UINT16_MAX)) return false;
    if (!TakePart(&from, &content, UINT16_MAX)) return false;
    seconds += UnZigZag(head >> 2);
    const size_t payload = kFieldsSizeMin + source.size() + target.size() + content.size();
    if (payload > UINT16_MAX || frames->size() + payload > kRunFramesMax) return false;
    frames->push_back(static_cast<char>(PayloadType::kMessage));
    AppendLength(frames, payload);
    AppendLength(frames, source.size());
    frames->append(source);
    AppendLength(frames, target.size());
    frames->append(target);
    uint8_t time[sizeof(seconds)];
    StoreBig(time, seconds);
    frames->append(AsString(time));
    AppendLength(frames, content.size());
    frames->append(content);
  }
  return from.empty();
}

}  // namespace

std::optional<RunValue> ParseRun(std::string_view value, std::string* buffer) {
  RunValue run;
  if (value.empty() || (value.front() != kPlain && value.front() != kPacked)) return std::nullopt;
  const bool packed = value.front() == kPacked;
  value.remove_prefix(1);
  if (!TakeNumber(&value, &run.count) || run.count == 0) return std::nullopt;
  if (packed) {
    buffer->clear();
    if (!Unpack(value, run.count, buffer)) return std::nullopt;
    run.frames = AsBytes(*buffer);
  } else {
    run.frames = AsBytes(value);
    if (CountMessageFrames(run.frames) != run.count) return std::nullopt;
  }
  return run;
}

std::optional<RunValue> RunOf(const InboxValue& entry, std::string* buffer) {
  std::optional<RunValue> run;
  if (entry.run.empty()) {
    if (CountMessageFrames(entry.frames) == entry.count) run = {entry.count, entry.frames};
  } else {
    run = ParseRun(entry.run, buffer);
  }
  return run && run->count == entry.count ? run : std::nullopt;
}

std::optional<RunValue> RunOf(const SpoolValue& row, std::string* buffer) {
  const std::optional<RunValue> run = ParseRun(row.run, buffer);
  return run && run->count == row.count && run->frames.size() == row.bytes ? run : std::nullopt;
}

}  // namespace solec

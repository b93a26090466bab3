#include "bench/peers/nats_frames.h"

#include <charconv>

namespace solec {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// The next word of `line`, taken off it; empty at its end.
std::string_view TakeWord(std::string_view* line) {
  const size_t begin = line->find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  const size_t end = std::min(line->find_first_of(" \t", begin), line->size());
  const std::string_view word = line->substr(begin, end - begin);
  line->remove_prefix(end);
  return word;
}

bool ParseSize(std::string_view word, size_t* size) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *size);
  return error == std::errc() && end == word.data() + word.size() && !word.empty();
}

// MSG subject sid [reply] size; HMSG subject sid [reply] header-size size. `line`: after the verb.
bool ParseMessageLine(std::string_view line, bool has_headers, std::string_view* subject,
                      size_t* header_size, size_t* size) {
  *subject = TakeWord(&line);
  std::string_view words[4];
  size_t count = 0;
  for (std::string_view word = TakeWord(&line); !word.empty(); word = TakeWord(&line)) {
    if (count == 4) return false;
    words[count++] = word;
  }
  const size_t sizes = has_headers ? 2 : 1;
  if (count != 1 + sizes && count != 2 + sizes) return false;
  *header_size = 0;
  if (has_headers && !ParseSize(words[count - 2], header_size)) return false;
  return ParseSize(words[count - 1], size) && *header_size <= *size;
}

}  // namespace

NatsTaken TakeNatsFrame(std::string_view* stream, NatsFrame* frame) {
  const size_t line_size = stream->find(kLineEnd);
  if (line_size == std::string_view::npos) return NatsTaken::kPartial;
  std::string_view rest = stream->substr(line_size + kLineEnd.size());
  std::string_view line = stream->substr(0, line_size);
  const std::string_view verb = TakeWord(&line);
  *frame = {};
  if (verb == "MSG" || verb == "HMSG") {
    size_t header_size = 0, size = 0;
    if (!ParseMessageLine(line, verb == "HMSG", &frame->subject, &header_size, &size)) {
      return NatsTaken::kMalformed;
    }
    if (rest.size() < kLineEnd.size() || rest.size() - kLineEnd.size() < size) {
      return NatsTaken::kPartial;
    }
    if (rest.substr(size, kLineEnd.size()) != kLineEnd) return NatsTaken::kMalformed;
    frame->kind = NatsKind::kMessage;
    frame->payload = rest.substr(header_size, size - header_size);
    rest.remove_prefix(size + kLineEnd.size());
  } else if (verb == "PING") {
    frame->kind = NatsKind::kPing;
  } else if (verb == "PONG") {
    frame->kind = NatsKind::kPong;
  } else if (verb == "-ERR") {
    frame->kind = NatsKind::kError;
    frame->payload = line;
  } else if (verb != "INFO" && verb != "+OK") {
    return NatsTaken::kMalformed;
  }
  *stream = rest;
  return NatsTaken::kWhole;
}

}  // namespace solec

#include "tools/solec/line_editor.h"

#include <algorithm>
#include <utility>

#include "tools/solec/code_point.h"

namespace solec {
namespace {

constexpr char Control(char letter) {
  return static_cast<char>(letter & 0x1F);
}
constexpr char kEscape = '\x1B';
constexpr char kDelete = '\x7F';
constexpr size_t kSequenceBytesMax = 16;

}  // namespace

LineEditor::Key LineEditor::Feed(char byte) {
  switch (state_) {
    case State::kText:
      break;
    case State::kEscape:
      state_ = byte == '[' ? State::kSequence : byte == 'O' ? State::kSingleShift : State::kText;
      sequence_.clear();
      return Key::kNone;
    case State::kSequence:
    case State::kSingleShift:
      return FeedSequence(byte);
  }
  const auto value = static_cast<uint8_t>(byte);
  if (value < 0x20 || byte == kDelete) return FeedControl(byte);
  return FeedText(byte);
}

LineEditor::Key LineEditor::FeedControl(char byte) {
  pending_.clear();
  switch (byte) {
    case '\r':
    case '\n':
      return Key::kLine;
    case kEscape:
      state_ = State::kEscape;
      return Key::kNone;
    case kDelete:
    case Control('H'):
      return cursor_ == 0 ? Key::kNone : Erase(PreviousCharacter(text_, cursor_), cursor_);
    case Control('A'):
      return MoveTo(0);
    case Control('E'):
      return MoveTo(text_.size());
    case Control('U'):
      return Erase(0, cursor_);
    case Control('K'):
      return Erase(cursor_, text_.size());
    case Control('W'):
      return Erase(WordBegin(), cursor_);
    case Control('L'):
      return Key::kClear;
    case Control('C'):
      return Key::kInterrupt;
    case Control('D'):
      if (text_.empty()) return Key::kEnd;
      return cursor_ == text_.size() ? Key::kNone : Erase(cursor_, NextCharacter(text_, cursor_));
    case '\t':
      return Insert(" ");
    default:
      return Key::kNone;
  }
}

LineEditor::Key LineEditor::FeedText(char byte) {
  const bool continues = (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
  if (!continues) pending_.clear();
  pending_ += byte;
  const size_t size = SequenceSize(static_cast<uint8_t>(pending_[0]));
  if (size == 0) {
    pending_.clear();
    return Key::kNone;
  }
  if (pending_.size() < size) return Key::kNone;
  const std::string character = std::exchange(pending_, {});
  const CodePoint point = FirstCodePoint(character);
  // C1 controls come as valid UTF-8 too.
  if (!point.valid || (point.value >= 0x80 && point.value < 0xA0)) return Key::kNone;
  return Insert(character);
}

LineEditor::Key LineEditor::FeedSequence(char byte) {
  const bool is_final = byte >= 0x40 && byte <= 0x7E;
  if (!is_final && sequence_.size() < kSequenceBytesMax) {
    sequence_ += byte;
    return Key::kNone;
  }
  state_ = State::kText;
  switch (byte) {
    case 'A':
      return Recall(/*earlier=*/true);
    case 'B':
      return Recall(/*earlier=*/false);
    case 'C':
      return cursor_ == text_.size() ? Key::kNone : MoveTo(NextCharacter(text_, cursor_));
    case 'D':
      return cursor_ == 0 ? Key::kNone : MoveTo(PreviousCharacter(text_, cursor_));
    case 'H':
      return MoveTo(0);
    case 'F':
      return MoveTo(text_.size());
    case '~':
      break;
    default:
      return Key::kNone;
  }
  if (sequence_ == "1" || sequence_ == "7") return MoveTo(0);
  if (sequence_ == "4" || sequence_ == "8") return MoveTo(text_.size());
  if (sequence_ == "3" && cursor_ < text_.size()) {
    return Erase(cursor_, NextCharacter(text_, cursor_));
  }
  return Key::kNone;
}

LineEditor::Key LineEditor::Insert(std::string_view character) {
  if (text_.size() + character.size() > text_bytes_max_) return Key::kNone;
  text_.insert(cursor_, character);
  cursor_ += character.size();
  return Key::kChanged;
}

LineEditor::Key LineEditor::Erase(size_t begin, size_t end) {
  if (begin == end) return Key::kNone;
  text_.erase(begin, end - begin);
  cursor_ = begin;
  return Key::kChanged;
}

LineEditor::Key LineEditor::MoveTo(size_t at) {
  if (at == cursor_) return Key::kNone;
  cursor_ = at;
  return Key::kChanged;
}

LineEditor::Key LineEditor::Recall(bool earlier) {
  if (earlier ? recalled_ == 0 : recalled_ == earlier_.size()) return Key::kNone;
  if (recalled_ == earlier_.size()) draft_ = text_;
  recalled_ += earlier ? size_t{0} - 1 : 1;
  text_ = recalled_ == earlier_.size() ? draft_ : earlier_[recalled_];
  cursor_ = text_.size();
  return Key::kChanged;
}

size_t LineEditor::WordBegin() const {
  size_t begin = cursor_;
  while (begin > 0 && text_[begin - 1] == ' ') --begin;
  while (begin > 0 && text_[begin - 1] != ' ') --begin;
  return begin;
}

std::string LineEditor::TakeLine() {
  std::string line = std::exchange(text_, {});
  cursor_ = 0;
  draft_.clear();
  if (!line.empty() && (earlier_.empty() || earlier_.back() != line)) earlier_.push_back(line);
  if (earlier_.size() > kEarlierLinesMax) earlier_.pop_front();
  recalled_ = earlier_.size();
  return line;
}

LineEditor::Row LineEditor::Draw(std::string_view prompt, size_t columns) const {
  // The last cell stays free: terminals wrap when it is written.
  const size_t cells = std::max<size_t>(columns, 2) - 1;
  Row row;
  // A prompt that would leave no room to type in is cut to half of the row.
  size_t width = 0;
  while (!prompt.empty()) {
    const size_t end = NextCharacter(prompt, 0);
    const size_t character_width = TextWidth(prompt.substr(0, end));
    if (width + character_width > cells / 2) break;
    row.text += prompt.substr(0, end);
    width += character_width;
    prompt.remove_prefix(end);
  }
  // What is left of the cursor is shown as far as it fits, and then what is right of it.
  const std::string_view text = text_;
  const size_t room = cells - width;
  size_t begin = cursor_;
  size_t before = 0;
  while (begin > 0) {
    const size_t previous = PreviousCharacter(text, begin);
    const size_t character_width = TextWidth(text.substr(previous, begin - previous));
    if (before + character_width > room) break;
    before += character_width;
    begin = previous;
  }
  size_t end = cursor_;
  size_t shown = before;
  while (end < text.size()) {
    const size_t next = NextCharacter(text, end);
    const size_t character_width = TextWidth(text.substr(end, next - end));
    if (shown + character_width > room) break;
    shown += character_width;
    end = next;
  }
  row.text += text.substr(begin, end - begin);
  row.cursor_column = width + before;
  return row;
}

}  // namespace solec

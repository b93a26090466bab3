// One line that is being typed: bytes from the keyboard in, the text and how to draw it out. Pure:
// it neither reads nor writes a terminal. One owner, one thread.
//
// Keys: printable UTF-8, Backspace, Delete, arrows, Home, End, Ctrl-A E U K W L C D; Up and Down
// bring back earlier lines. Other control characters and escape sequences are ignored.
// Bounds: text_bytes_max of text (more is ignored), kEarlierLinesMax earlier lines.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace solec {

class LineEditor {
 public:
  static constexpr size_t kEarlierLinesMax = 200;

  enum class Key {
    kNone,       // nothing changed
    kChanged,    // draw again
    kLine,       // Enter: TakeLine has it
    kInterrupt,  // Ctrl-C
    kEnd,        // Ctrl-D on an empty line
    kClear,      // Ctrl-L: clear the screen and draw again
  };

  explicit LineEditor(size_t text_bytes_max) : text_bytes_max_(text_bytes_max) {}

  // The next byte from the keyboard.
  Key Feed(char byte);

  // The line that Enter ended; the editor is empty afterwards.
  std::string TakeLine();

  const std::string& text() const { return text_; }
  size_t cursor() const { return cursor_; }  // a byte offset in text()

  // One row of at most `columns` cells that shows `prompt` and the part of the text around the
  // cursor, and the cell that the cursor is in, from 0.
  struct Row {
    std::string text;
    size_t cursor_column = 0;
  };
  Row Draw(std::string_view prompt, size_t columns) const;

 private:
  enum class State { kText, kEscape, kSequence, kSingleShift };

  Key FeedControl(char byte);
  Key FeedText(char byte);
  Key FeedSequence(char byte);
  Key Insert(std::string_view character);
  Key Erase(size_t begin, size_t end);
  Key MoveTo(size_t at);
  Key Recall(bool earlier);
  size_t WordBegin() const;

  const size_t text_bytes_max_;
  std::string text_;
  size_t cursor_ = 0;
  State state_ = State::kText;
  std::string sequence_;  // parameters of an escape sequence that is not complete
  std::string pending_;   // bytes of a character that is not complete
  std::deque<std::string> earlier_;
  size_t recalled_ = 0;  // which of earlier_ is shown; earlier_.size(): the new line
  std::string draft_;    // the new line, while an earlier one is shown
};

}  // namespace solec

#include "tools/solec/chat_screen.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proto/constants.h"

namespace solec {
namespace {

constexpr std::string_view kEraseRow = "\r\x1b[K";
constexpr std::string_view kClearScreen = "\x1b[H\x1b[J";

void Write(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

}  // namespace

ChatScreen::ChatScreen(int in_fd, std::FILE* out, std::FILE* talk, bool editing)
    : in_fd_(in_fd),
      out_(out),
      talk_(talk),
      terminal_(editing ? std::make_unique<RawTerminal>(in_fd) : nullptr),
      editor_(kContentBytesMax) {}

void ChatScreen::Print(std::FILE* to, std::string_view text) {
  EraseRow();
  Write(to, text);
  Write(to, "\n");
}

void ChatScreen::EraseRow() {
  if (!row_drawn_) return;
  Write(out_, kEraseRow);
  row_drawn_ = false;
}

void ChatScreen::SetPrompt(std::string prompt) {
  if (prompt == prompt_) return;
  EraseRow();
  prompt_ = std::move(prompt);
}

void ChatScreen::Refresh() {
  if (editing() && !row_drawn_) {
    const LineEditor::Row row = editor_.Draw(prompt_, TerminalColumns(fileno(out_)));
    Write(out_, kEraseRow);
    Write(out_, row.text);
    Write(out_, "\r");
    if (row.cursor_column > 0) {
      Write(out_, "\x1b[" + std::to_string(row.cursor_column) + "C");
    }
    row_drawn_ = true;
  }
  std::fflush(out_);
  std::fflush(talk_);
}

void ChatScreen::SetBlocked(bool blocked) {
  if (terminal_) terminal_->AllowInterrupt(blocked);
}

bool ChatScreen::ReadInput(const std::function<void(std::string_view)>& on_line) {
  char buffer[4096];
  const ssize_t count = read(in_fd_, buffer, sizeof(buffer));
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) {
    if (!partial_.empty() && !overlong_) on_line(std::exchange(partial_, {}));
    return false;
  }
  const std::string_view text(buffer, static_cast<size_t>(count));
  return editing() ? FeedKeys(text, on_line) : FeedLines(text, on_line);
}

bool ChatScreen::FeedKeys(std::string_view keys,
                          const std::function<void(std::string_view)>& on_line) {
  for (const char key : keys) {
    switch (editor_.Feed(key)) {
      case LineEditor::Key::kNone:
        break;
      case LineEditor::Key::kClear:
        Write(out_, kClearScreen);
        row_drawn_ = false;
        break;
      case LineEditor::Key::kChanged:
        EraseRow();
        break;
      case LineEditor::Key::kLine:
        EraseRow();
        on_line(editor_.TakeLine());
        break;
      case LineEditor::Key::kInterrupt:
      case LineEditor::Key::kEnd:
        EraseRow();
        return false;
    }
  }
  return true;
}

bool ChatScreen::FeedLines(std::string_view text,
                           const std::function<void(std::string_view)>& on_line) {
  for (const char byte : text) {
    if (byte == '\n') {
      if (!overlong_) on_line(std::exchange(partial_, {}));
      partial_.clear();
      overlong_ = false;
    } else if (partial_.size() < kContentBytesMax) {
      partial_ += byte;
    } else if (!std::exchange(overlong_, true)) {
      Tell("a line is longer than a message can be, and was not sent");
    }
  }
  return true;
}

}  // namespace solec

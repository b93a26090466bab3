// Where a chat is shown and typed: on a terminal, lines that arrive scroll above the line that is
// being typed and leave it whole; otherwise plain lines in and out. One owner, main thread.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/solec/line_editor.h"
#include "tools/solec/terminal.h"

namespace solec {

class ChatScreen {
 public:
  // `editing`: `in_fd` and `out` are a terminal, and lines are edited on it. Otherwise results go
  // to `out` and talk to `talk`.
  ChatScreen(int in_fd, std::FILE* out, std::FILE* talk, bool editing);

  int in_fd() const { return in_fd_; }
  bool editing() const { return terminal_ != nullptr; }

  // A line (or more) of the chat, already safe to be shown.
  void Show(std::string_view text) { Print(out_, text); }
  // About the chat: help, failures.
  void Tell(std::string_view text) { Print(editing() ? out_ : talk_, text); }

  void SetPrompt(std::string prompt);

  // Draws the line that is being typed, if something went over it, and flushes. Call before
  // waiting.
  void Refresh();

  // Reads what is there and calls `on_line` for each whole line. False when no more will come: end
  // of input, Ctrl-C, Ctrl-D.
  bool ReadInput(const std::function<void(std::string_view)>& on_line);

  // Ctrl-C ends the program at once while `blocked`: for calls in which no key is read.
  void SetBlocked(bool blocked);

 private:
  void Print(std::FILE* to, std::string_view text);
  void EraseRow();
  bool FeedKeys(std::string_view keys, const std::function<void(std::string_view)>& on_line);
  bool FeedLines(std::string_view text, const std::function<void(std::string_view)>& on_line);

  const int in_fd_;
  std::FILE* const out_;
  std::FILE* const talk_;
  std::unique_ptr<RawTerminal> terminal_;
  LineEditor editor_;
  std::string prompt_;
  bool row_drawn_ = false;
  std::string partial_;    // a line of plain input without its end
  bool overlong_ = false;  // the rest of a line that is too long is skipped
};

}  // namespace solec

// The terminal in raw mode: keys come one by one, unechoed, until the object goes. The terminal is
// put back in order also when a signal ends the program. At most one at a time; main thread.
#pragma once

#include <cstddef>

namespace solec {

class RawTerminal {
 public:
  // `fd` is a terminal.
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  // Ctrl-C ends the program while `allowed`, as it does outside of raw mode: for calls that block.
  void AllowInterrupt(bool allowed);

 private:
  const int fd_;
};

// Cells in a row of the terminal `fd`; 80 if it does not say.
size_t TerminalColumns(int fd);

}  // namespace solec

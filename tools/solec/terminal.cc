#include "tools/solec/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

namespace solec {
namespace {

constexpr int kFatalSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// For the signal handler, which may use nothing else. -1: the terminal is in order.
volatile sig_atomic_t raw_fd = -1;
termios saved_settings;

void RestoreAndDie(int signal) {
  if (raw_fd >= 0) tcsetattr(raw_fd, TCSANOW, &saved_settings);
  // Handled with SA_RESETHAND: this time the signal does what it does by itself.
  raise(signal);
}

}  // namespace

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  tcgetattr(fd_, &saved_settings);
  termios raw = saved_settings;
  // Output processing stays on, so that a line end still begins a new row.
  raw.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | IEXTEN | ISIG);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw_fd = fd_;
  for (int signal : kFatalSignals) {
    struct sigaction action {};
    action.sa_handler = RestoreAndDie;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
  tcsetattr(fd_, TCSANOW, &raw);
}

RawTerminal::~RawTerminal() {
  tcsetattr(fd_, TCSADRAIN, &saved_settings);
  raw_fd = -1;
  for (int signal : kFatalSignals) std::signal(signal, SIG_DFL);
}

void RawTerminal::AllowInterrupt(bool allowed) {
  termios now{};
  if (tcgetattr(fd_, &now) != 0) return;
  if (allowed) {
    now.c_lflag |= static_cast<tcflag_t>(ISIG);
  } else {
    now.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  }
  tcsetattr(fd_, TCSANOW, &now);
}

size_t TerminalColumns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace solec

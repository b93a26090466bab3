#include "tools/solec/password.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace solec {
namespace {

constexpr size_t kPasswordBytesMax = 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// The first line, without its end.
absl::StatusOr<std::string> FirstLine(std::FILE* file, const std::string& name) {
  std::string line;
  int byte;
  while ((byte = std::fgetc(file)) != EOF && byte != '\n') {
    if (line.size() == kPasswordBytesMax) {
      return absl::InvalidArgumentError("the password in " + name + " is longer than " +
                                        std::to_string(kPasswordBytesMax) + " bytes");
    }
    line += static_cast<char>(byte);
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) {
    return absl::InvalidArgumentError("there is no password in " + name +
                                      "; its first line has to hold it");
  }
  return line;
}

absl::StatusOr<std::string> FromFile(const std::string& name) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(name.c_str(), "re"));
  if (!file) {
    return absl::InvalidArgumentError("cannot read the password file " + name + ": " +
                                      std::strerror(errno));
  }
  return FirstLine(file.get(), name);
}

// The terminal's echo is off while this lives.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd) {
    tcgetattr(fd_, &settings_);
    termios silent = settings_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= static_cast<tcflag_t>(ECHONL);
    tcsetattr(fd_, TCSAFLUSH, &silent);
  }
  ~Silence() { tcsetattr(fd_, TCSADRAIN, &settings_); }

 private:
  const int fd_;
  termios settings_{};
};

// Standard input may hold something else, so the terminal itself is asked.
absl::StatusOr<std::string> FromTerminal(std::FILE* terminal, const std::string& question) {
  // Before the question: what is typed as soon as it shows must be neither seen nor lost.
  const Silence silence(fileno(terminal));
  std::fputs(question.c_str(), terminal);
  std::fflush(terminal);
  return FirstLine(terminal, "what was typed");
}

}  // namespace

absl::StatusOr<std::string> FindPassword(const std::string& file, const std::string& user) {
  if (file == "-") return FirstLine(stdin, "standard input");
  if (!file.empty()) return FromFile(file);
  if (const char* const value = std::getenv("SOLEC_PASSWORD"); value != nullptr) return value;
  const std::unique_ptr<std::FILE, CloseFile> terminal(std::fopen("/dev/tty", "r+e"));
  if (!terminal) {
    return absl::InvalidArgumentError(
        "there is no password for '" + user +
        "': give --password-file FILE, set SOLEC_PASSWORD, or run this on a terminal");
  }
  return FromTerminal(terminal.get(), "Password of " + user + ": ");
}

absl::StatusOr<std::string> ReadNewPassword(const std::string& file, const std::string& user) {
  if (!file.empty() && file != "-") return FromFile(file);
  if (isatty(STDIN_FILENO) == 0) return FirstLine(stdin, "standard input");
  const std::unique_ptr<std::FILE, CloseFile> terminal(std::fopen("/dev/tty", "r+e"));
  if (!terminal) return FirstLine(stdin, "standard input");
  absl::StatusOr<std::string> first =
      FromTerminal(terminal.get(), "New password of " + user + ": ");
  if (!first.ok()) return first;
  const absl::StatusOr<std::string> again = FromTerminal(terminal.get(), "The same once more: ");
  if (!again.ok()) return again;
  if (*first != *again) return absl::InvalidArgumentError("the two passwords are not the same");
  return first;
}

}  // namespace solec

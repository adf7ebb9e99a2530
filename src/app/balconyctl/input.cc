#include "app/balconyctl/input.h"

#include "sasl/crypto.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

namespace balcony::app {
namespace {

constexpr std::size_t kPartLines = 1'000;
constexpr std::size_t kPartBytes = 1u << 20;
constexpr std::size_t kLineBytesMax = 64u << 10;

// Echo is off while this lives.
class Quiet {
 public:
  Quiet() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~Quiet() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  termios before_{};
};

Result<std::string> first_line() {
  std::string line;
  if (!std::getline(std::cin, line)) {
    return fail(Errc::kUsage, "no password: give one on standard input, or say --generate");
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(Errc::kUsage, "the password is empty");
  return line;
}

Result<std::string> ask(const std::string& prompt) {
  Result<std::string> line = [&prompt] {
    const Quiet quiet;  // first: nothing that is typed at the prompt may be shown, or lost
    std::cerr << prompt << std::flush;
    return first_line();
  }();
  std::cerr << '\n';
  return line;
}

}  // namespace

Result<std::string> read_password(const std::string& whose) {
  if (::isatty(STDIN_FILENO) != 1) return first_line();
  BALCONY_ASSIGN(std::string once, ask("Password of " + whose + ": "));
  BALCONY_ASSIGN(std::string again, ask("Again: "));
  if (once != again) return fail(Errc::kUsage, "the two passwords differ");
  sasl::wipe(again);
  return once;
}

Result<LineReader> LineReader::open(const std::string& name) {
  if (name == "-") return LineReader(nullptr);
  auto file = std::make_unique<std::ifstream>(name, std::ios::binary);
  if (!*file) {
    return fail(errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                "cannot read " + name + ": " + std::strerror(errno));
  }
  return LineReader(std::move(file));
}

std::istream& LineReader::in() {
  return file_ ? static_cast<std::istream&>(*file_) : std::cin;
}

// Reads one line ahead; false at the end.
Result<bool> LineReader::read_line() {
  std::string line;
  ahead_.reset();
  if (!std::getline(in(), line)) return false;
  if (line.size() > kLineBytesMax) {
    return fail(Errc::kUsage, "a line is longer than 64 KiB: this is no list of accounts");
  }
  ahead_ = std::move(line);
  return true;
}

Result<server::Lines> LineReader::next() {
  if (!std::exchange(begun_, true)) BALCONY_CHECK(read_line());
  server::Lines part;
  part.first = number_;
  std::size_t bytes = 0;
  while (ahead_ && part.lines.size() < kPartLines && bytes < kPartBytes) {
    bytes += ahead_->size();
    part.lines.push_back(*std::move(ahead_));
    BALCONY_CHECK(read_line());
  }
  number_ += static_cast<std::int64_t>(part.lines.size());
  part.more = ahead_.has_value();
  return part;
}

}  // namespace balcony::app

// What balconyctl reads: passwords, and files line by line. Blocks; one thread.
#pragma once

#include "server/commands.h"

#include <balcony/result.h>

#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>

namespace balcony::app {

// A password from standard input: from a terminal asked twice without showing it, else the first
// line. Errors: kUsage.
Result<std::string> read_password(const std::string& whose);

// A file, or standard input for "-", in parts that fit into a request.
class LineReader {
 public:
  // Errors: kNotFound, kIo with the name.
  static Result<LineReader> open(const std::string& name);

  // The next part; its `more` says whether another follows. Errors: kUsage for a line over 64 KiB.
  Result<server::Lines> next();

 private:
  explicit LineReader(std::unique_ptr<std::ifstream> file) : file_(std::move(file)) {}
  std::istream& in();
  Result<bool> read_line();

  std::unique_ptr<std::ifstream> file_;  // null: standard input
  std::optional<std::string> ahead_;     // read, for the next part
  std::int64_t number_ = 1;              // of the next line to give out
  bool begun_ = false;
};

}  // namespace balcony::app

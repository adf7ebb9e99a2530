// What balconyctl prints: tables and sentences for people, or one JSON object for programs.
//
// add_row() and show_progress() may be called on a shard's thread while the main thread waits.
#pragma once

#include "server/commands.h"

#include <balcony/error.h>

#include <string>
#include <string_view>

namespace balcony::app {

class Output {
 public:
  enum class Form : std::uint8_t { kText, kJson };
  explicit Output(Form form) : form_(form) {}

  void add_row(server::Value row);
  server::Value::List& rows() { return rows_; }
  // On standard error: "300 of 1000".
  void show_progress(std::int64_t done, std::int64_t of);
  // The end of a command: rows and result, on standard output.
  void finish(const server::CommandSpec& spec, const server::Value& result);
  // Says what went wrong and returns the exit code.
  int fail(const Error& error);

 private:
  void end_progress();

  const Form form_;
  server::Value::List rows_;
  bool progress_shown_ = false;
};

// Text for people: a table of rows, lines of "name: value", or the text itself. Control characters
// of the values become '?': they come from peers.
std::string to_text(const server::Value& value);

}  // namespace balcony::app

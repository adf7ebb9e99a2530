// Reads a JSON text (RFC 8259) from left to right, for documents of a known shape: who asks says
// what he expects next. Nothing recurses. For POSH; any thread.
#pragma once

#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace balcony {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  // Each skips white space, then takes what it names. Errors: kMalformed: something else stands
  // there.
  Result<> take(char mark);
  // Whether `mark` is next; then it is taken.
  bool take_if(char mark);
  // A string, with its escapes resolved to UTF-8.
  Result<std::string> string();
  // A number that is none below zero and no fraction, up to 2^53.
  Result<std::uint64_t> number();
  // Any value, which nobody wants to know. Errors: also one that is nested more than 32 deep.
  Result<> skip();
  // Whether nothing but white space is left.
  bool at_end();

 private:
  void skip_space();
  Result<> escape(std::string& out);
  Result<std::uint32_t> four_digits();
  Result<> skip_scalar();

  std::string_view rest_;
};

}  // namespace balcony

// A reference, `&amp;` or `&#x41;` (XML 1.0 §4.1), read byte by byte. Used by the splitter's lexer
// and by the parser. A small value; one thread.
#pragma once

#include <cstdint>

namespace balcony::xml {

class Reference {
 public:
  enum class Step : std::uint8_t {
    kMore,
    kDone,        // the byte was the semicolon; code() tells the character
    kRestricted,  // another entity than the five (RFC 6120 §11.1)
    kBad,         // no reference, or one to a character that XML forbids
  };

  // The ampersand has been read.
  void begin() { *this = {}; }
  // Takes the next byte.
  Step step(char c);
  char32_t code() const { return value_; }

 private:
  enum class Form : std::uint8_t { kUnknown, kName, kHash, kDecimal, kHex };
  Step digit(char c);
  Step name(char c);

  char32_t value_ = 0;
  std::uint32_t word_ = 0;  // the name so far, one byte a letter
  Form form_ = Form::kUnknown;
  bool has_digit_ = false;
};

}  // namespace balcony::xml

// The XML declaration, `<?xml version='1.0' encoding='UTF-8'?>` (XML 1.0 §2.8), read byte by byte.
// Used by the splitter's lexer. A small value; one thread.
#pragma once

#include <cstdint>

namespace balcony::xml {

class Declaration {
 public:
  enum class Step : std::uint8_t {
    kMore,
    kDone,         // the byte was the '>' at its end
    kRestricted,   // another processing instruction (RFC 6120 §11.1)
    kBadEncoding,  // another encoding than UTF-8 (RFC 6120 §11.6)
    kBad,
  };

  // `<?` has been read.
  void begin() { *this = {}; }
  // Takes the next byte.
  Step step(char c);

 private:
  enum class Phase : std::uint8_t { kTarget, kBetween, kKey, kEquals, kQuote, kValue, kClose };
  enum Key : std::uint8_t { kVersion, kEncoding, kStandalone };
  Step between(char c);
  Step value(char c);

  Phase phase_ = Phase::kTarget;
  std::uint8_t index_ = 0;  // bytes of the target, key or value that were read
  std::uint8_t key_ = kVersion;
  std::uint8_t keys_done_ = 0;  // how far in the order of Key it is
  bool spaced_ = false;
  char quote_ = 0;
  char first_ = 0;  // of the value
};

}  // namespace balcony::xml

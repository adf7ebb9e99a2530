// The mappings that PRECIS profiles are made of (RFC 8264 §5.2): width, spaces, case, and the
// normalisation forms. Used by precis.cc. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace balcony::precis {

// RFC 8264 §5.2.1: fullwidth and halfwidth code points become what they decompose to.
void map_width(std::u32string& text);

// RFC 8265 §4.2.2 step 2: every code point of category Zs becomes U+0020.
void map_spaces(std::u32string& text);

// RFC 8266 §2.1 step 2: no space at the ends, and no two in a row inside.
void trim_spaces(std::u32string& text);

// RFC 8264 §5.2.3: Unicode toLowerCase() of each code point by itself. Without the rule for a final
// sigma, which looks at neighbours: a capital sigma has one lower-case equivalent, wherever it
// stands, as in RFC 7622 §3.5 and in the stringprep profiles that came before.
void map_case(std::u32string& text);

enum class Form : std::uint8_t { kNfc, kNfkc };

// RFC 8264 §5.2.4.
void normalise(std::u32string& text, Form form);

}  // namespace balcony::precis

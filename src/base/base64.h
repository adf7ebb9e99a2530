// Base64, RFC 4648. Strict both ways: no white space, canonical padding, no stray bits.
#pragma once

#include <balcony/result.h>

#include <string>
#include <string_view>

namespace balcony {

// RFC 4648 §4, with padding.
std::string base64_encode(std::string_view bytes);

// RFC 4648 §4. Errors: kMalformed for a character outside the alphabet, wrong padding, or bits
// after the end that are not zero (§3.5); nothing is skipped.
Result<std::string> base64_decode(std::string_view text);

// RFC 4648 §5, without padding.
std::string base64url_encode(std::string_view bytes);

// Lower-case hexadecimal.
std::string hex_encode(std::string_view bytes);

// Errors: kMalformed.
Result<std::string> hex_decode(std::string_view text);

}  // namespace balcony

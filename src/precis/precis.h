// Preparation of names and passwords: the PRECIS profiles that XMPP uses (RFC 8264, 8265, 8266).
//
//   BALCONY_ASSIGN(std::string local, precis::username_case_mapped("Juliet"));   // "juliet"
//
// Each function enforces a profile: what it returns may be compared byte by byte, and is returned
// unchanged when it is given again (RFC 8264 §7: rules are applied until the text is stable, four
// times at most). ASCII costs no Unicode work. Used by jid/, sasl/ and modules that keep names.
// Pure functions; any thread.
//
// Errors of all of them:
//   kPrecisForbidden   a code point that the class, a contextual rule or the Bidi Rule refuses;
//                      bytes that are no UTF-8; a text that does not become stable.
//   kPrecisEmpty       nothing is left.
//   kPrecisTooLong     more than kInputBytesMax bytes were given, or came out.
// The sentence never holds the text itself, which may be a password.
#pragma once

#include <balcony/result.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace balcony::precis {

// What is longer is refused unseen. Four bytes for each of the 1023 that a part of a JID may have.
inline constexpr std::size_t kInputBytesMax = 4 * 1023;

// RFC 8265 §3.3: user names of which case does not matter; localparts (RFC 7622 §3.3).
Result<std::string> username_case_mapped(std::string_view text);

// RFC 8265 §3.4: user names of which case matters, such as SASL's simple user names.
Result<std::string> username_case_preserved(std::string_view text);

// RFC 8265 §4.2: passwords; resourceparts (RFC 7622 §3.4).
Result<std::string> opaque_string(std::string_view text);

// RFC 8266 §2.3: nicknames as they are shown.
Result<std::string> nickname(std::string_view text);

// RFC 8266 §2.4: nicknames as they are compared; two that look alike but for case give one key.
Result<std::string> nickname_key(std::string_view text);

}  // namespace balcony::precis

// SASL on the wire (RFC 6120 §6.4): base64 in elements, and <failure/> with its conditions. Both
// ends of a stream use them. Pure functions; any thread.
#pragma once

#include <balcony/element.h>
#include <balcony/error.h>
#include <balcony/result.h>

#include <optional>
#include <string>
#include <string_view>

namespace balcony::stream {

// Puts `data` into <challenge/>, <response/> or <success/>; nothing where it is empty (§6.4.3).
void append_sasl(xml::Element& element, std::string_view data);

// The same for <auth/>: what is there and empty is written "=" (§6.4.2).
void append_initial_response(xml::Element& auth, std::string_view data);

// What an element holds; "=" is met for nothing in any of them.
// Errors: kSaslIncorrectEncoding.
Result<std::string> read_sasl(xml::ElementView element);

// The same of <auth/>: nullopt where there is no initial response (§6.4.2).
Result<std::optional<std::string>> read_initial_response(xml::ElementView auth);

// <failure/> with the condition of `code` (§6.5). What is none of SASL's conditions is told as
// temporary-auth-failure.
xml::Element write_sasl_failure(Errc code);

// A <failure/> that was received: one of the codes kSasl…, with the text in it or a sentence of
// ours. An unknown condition is kSaslNotAuthorized.
Error read_sasl_failure(xml::ElementView failure);

}  // namespace balcony::stream

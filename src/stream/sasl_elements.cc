#include "stream/sasl_elements.h"

#include "base/base64.h"
#include "stanza/ns.h"

#include <iterator>
#include <utility>

namespace balcony::stream {
namespace {

struct Condition {
  Errc code;
  std::string_view name;
  std::string_view sentence;  // for who tried to log in
};
using enum Errc;

// RFC 6120 §6.5. The last one stands for whatever else goes wrong.
constexpr Condition kConditions[] = {
    {kSaslAborted, "aborted", "the login was given up"},
    {kSaslAccountDisabled, "account-disabled", "the account is disabled"},
    {kSaslCredentialsExpired, "credentials-expired", "the password has expired"},
    {kSaslEncryptionRequired, "encryption-required", "the server wants TLS for this login"},
    {kSaslIncorrectEncoding, "incorrect-encoding", "the server could not read our SASL data"},
    {kSaslInvalidAuthzid, "invalid-authzid", "the account may not be used by this login"},
    {kSaslInvalidMechanism, "invalid-mechanism", "the server does not take this mechanism"},
    {kSaslMalformedRequest, "malformed-request", "the server could not understand our login"},
    {kSaslMechanismTooWeak, "mechanism-too-weak", "the server wants a stronger mechanism"},
    {kSaslNotAuthorized, "not-authorized", "no such account, or a wrong password"},
    {kSaslTemporaryAuthFailure, "temporary-auth-failure",
     "the server cannot check logins now; try again later"},
};

std::string_view name_of(Errc code) {
  if (code == kNotAuthorized) code = kSaslNotAuthorized;
  for (const Condition& known : kConditions) {
    if (known.code == code) return known.name;
  }
  return std::rbegin(kConditions)->name;
}

}  // namespace

void append_sasl(xml::Element& element, std::string_view data) {
  if (!data.empty()) element.append_text(base64_encode(data));
}

void append_initial_response(xml::Element& auth, std::string_view data) {
  auth.append_text(data.empty() ? "=" : base64_encode(data));
}

Result<std::string> read_sasl(xml::ElementView element) {
  const std::string text = element.text();
  if (text == "=") return std::string{};
  auto data = base64_decode(text);
  if (!data) return fail(kSaslIncorrectEncoding, data.error().detail);
  return data;
}

Result<std::optional<std::string>> read_initial_response(xml::ElementView auth) {
  if (auth.text().empty()) return std::optional<std::string>{};
  BALCONY_ASSIGN(std::string data, read_sasl(auth));
  return std::optional<std::string>(std::move(data));
}

xml::Element write_sasl_failure(Errc code) {
  xml::Element failure(ns::kSasl, "failure");
  failure.append(name_of(code));
  return failure;
}

Error read_sasl_failure(xml::ElementView failure) {
  const std::string text = failure.child_text(ns::kSasl, "text");
  for (const Condition& known : kConditions) {
    if (!failure.child(ns::kSasl, known.name)) continue;
    return Error(known.code, text.empty() ? std::string(known.sentence) : text);
  }
  return Error(kSaslNotAuthorized, text);
}

}  // namespace balcony::stream

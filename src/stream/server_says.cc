#include "stream/server_says.h"

#include "stanza/ns.h"

#include <array>
#include <string>
#include <string_view>

namespace balcony::stream {
namespace {

struct SaslCondition {
  std::string_view name;
  Errc code;
  std::string_view sentence;
};

// RFC 6120 §6.5.
constexpr std::array kSaslConditions = {
    SaslCondition{"aborted", Errc::kSaslAborted, "the login was given up"},
    SaslCondition{"account-disabled", Errc::kSaslAccountDisabled, "the account is disabled"},
    SaslCondition{"credentials-expired", Errc::kSaslCredentialsExpired, "the password has expired"},
    SaslCondition{"encryption-required", Errc::kSaslEncryptionRequired,
                  "the server wants TLS for this login"},
    SaslCondition{"incorrect-encoding", Errc::kSaslIncorrectEncoding,
                  "the server could not read our SASL data"},
    SaslCondition{"invalid-authzid", Errc::kSaslInvalidAuthzid,
                  "the account may not be used by this login"},
    SaslCondition{"invalid-mechanism", Errc::kSaslInvalidMechanism,
                  "the server does not take this mechanism"},
    SaslCondition{"malformed-request", Errc::kSaslMalformedRequest,
                  "the server could not understand our login"},
    SaslCondition{"mechanism-too-weak", Errc::kSaslMechanismTooWeak,
                  "the server wants a stronger mechanism"},
    SaslCondition{"not-authorized", Errc::kSaslNotAuthorized,
                  "no such account, or a wrong password"},
    SaslCondition{"temporary-auth-failure", Errc::kSaslTemporaryAuthFailure,
                  "the server cannot check logins now; try again later"},
};

Errc code_of(StreamCondition condition) {
  switch (condition) {
    case StreamCondition::kConflict: return Errc::kConflict;
    case StreamCondition::kConnectionTimeout: return Errc::kTimeout;
    case StreamCondition::kHostGone:
    case StreamCondition::kHostUnknown: return Errc::kNotFound;
    case StreamCondition::kInternalServerError: return Errc::kInternalServerError;
    case StreamCondition::kNotAuthorized: return Errc::kNotAuthorized;
    case StreamCondition::kPolicyViolation: return Errc::kPolicyViolation;
    case StreamCondition::kRemoteConnectionFailed: return Errc::kConnect;
    case StreamCondition::kReset:
    case StreamCondition::kSystemShutdown: return Errc::kClosed;
    case StreamCondition::kResourceConstraint: return Errc::kResourceConstraint;
    case StreamCondition::kSeeOtherHost: return Errc::kRedirect;
    default: return Errc::kUndefinedCondition;
  }
}

}  // namespace

Error read_sasl_failure(xml::ElementView failure) {
  const std::string text = failure.child_text(ns::kSasl, "text");
  for (const SaslCondition& known : kSaslConditions) {
    if (!failure.child(ns::kSasl, known.name)) continue;
    return Error(known.code, text.empty() ? std::string(known.sentence) : text);
  }
  return Error(Errc::kSaslNotAuthorized, text);
}

Error to_error(const StanzaError& error) {
  std::string detail = error.text;
  if (!error.uri.empty()) detail += (detail.empty() ? "see " : "; see ") + error.uri;
  if (detail.empty()) detail = "the answer is <" + std::string(to_string(error.condition)) + "/>";
  return Error(error.condition, std::move(detail));
}

Error to_error(const StreamError& error) {
  std::string detail = "the server ended the stream with <";
  detail.append(to_string(error.condition)).append("/>");
  if (!error.text.empty()) detail.append(": ").append(error.text);
  return Error(code_of(error.condition), std::move(detail));
}

}  // namespace balcony::stream

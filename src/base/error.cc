#include <balcony/error.h>

namespace balcony {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::kBadRequest: return "bad-request";
    case Errc::kConflict: return "conflict";
    case Errc::kFeatureNotImplemented: return "feature-not-implemented";
    case Errc::kForbidden: return "forbidden";
    case Errc::kGone: return "gone";
    case Errc::kInternalServerError: return "internal-server-error";
    case Errc::kItemNotFound: return "item-not-found";
    case Errc::kJidMalformed: return "jid-malformed";
    case Errc::kNotAcceptable: return "not-acceptable";
    case Errc::kNotAllowed: return "not-allowed";
    case Errc::kNotAuthorized: return "not-authorized";
    case Errc::kPolicyViolation: return "policy-violation";
    case Errc::kRecipientUnavailable: return "recipient-unavailable";
    case Errc::kRedirect: return "redirect";
    case Errc::kRegistrationRequired: return "registration-required";
    case Errc::kRemoteServerNotFound: return "remote-server-not-found";
    case Errc::kRemoteServerTimeout: return "remote-server-timeout";
    case Errc::kResourceConstraint: return "resource-constraint";
    case Errc::kServiceUnavailable: return "service-unavailable";
    case Errc::kSubscriptionRequired: return "subscription-required";
    case Errc::kUndefinedCondition: return "undefined-condition";
    case Errc::kUnexpectedRequest: return "unexpected-request";
    case Errc::kJidEmpty: return "jid-empty";
    case Errc::kJidLocalEmpty: return "jid-local-empty";
    case Errc::kJidLocalTooLong: return "jid-local-too-long";
    case Errc::kJidLocalForbidden: return "jid-local-forbidden";
    case Errc::kJidDomainEmpty: return "jid-domain-empty";
    case Errc::kJidDomainTooLong: return "jid-domain-too-long";
    case Errc::kJidDomainForbidden: return "jid-domain-forbidden";
    case Errc::kJidResourceEmpty: return "jid-resource-empty";
    case Errc::kJidResourceTooLong: return "jid-resource-too-long";
    case Errc::kJidResourceForbidden: return "jid-resource-forbidden";
    case Errc::kJidNotUtf8: return "jid-not-utf8";
    case Errc::kPrecisForbidden: return "precis-forbidden";
    case Errc::kPrecisEmpty: return "precis-empty";
    case Errc::kPrecisTooLong: return "precis-too-long";
    case Errc::kXmlNotWellFormed: return "not-well-formed";
    case Errc::kXmlRestricted: return "restricted-xml";
    case Errc::kXmlBadEncoding: return "unsupported-encoding";
    case Errc::kXmlBadNamespacePrefix: return "bad-namespace-prefix";
    case Errc::kXmlTooBig: return "xml-too-big";
    case Errc::kXmlTooDeep: return "xml-too-deep";
    case Errc::kMalformed: return "malformed";
    case Errc::kSaslAborted: return "aborted";
    case Errc::kSaslAccountDisabled: return "account-disabled";
    case Errc::kSaslCredentialsExpired: return "credentials-expired";
    case Errc::kSaslEncryptionRequired: return "encryption-required";
    case Errc::kSaslIncorrectEncoding: return "incorrect-encoding";
    case Errc::kSaslInvalidAuthzid: return "invalid-authzid";
    case Errc::kSaslInvalidMechanism: return "invalid-mechanism";
    case Errc::kSaslMalformedRequest: return "malformed-request";
    case Errc::kSaslMechanismTooWeak: return "mechanism-too-weak";
    case Errc::kSaslNotAuthorized: return "sasl-not-authorized";
    case Errc::kSaslTemporaryAuthFailure: return "temporary-auth-failure";
    case Errc::kTimeout: return "timeout";
    case Errc::kClosed: return "closed";
    case Errc::kCancelled: return "cancelled";
    case Errc::kConnect: return "connect-failed";
    case Errc::kTls: return "tls-failed";
    case Errc::kIo: return "io-failed";
    case Errc::kDiskFull: return "disk-full";
    case Errc::kNotFound: return "not-found";
    case Errc::kVersion: return "version-mismatch";
    case Errc::kOverloaded: return "overloaded";
    case Errc::kConfig: return "configuration-wrong";
    case Errc::kUsage: return "usage";
  }
  return "unknown";
}

std::string Error::to_string() const {
  std::string text(balcony::to_string(code));
  if (!detail.empty()) text.append(": ").append(detail);
  return text;
}

}  // namespace balcony

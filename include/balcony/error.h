// The one error type of Balcony: a stable code and one sentence.
//
// An `Error` travels in `Result<T>` (balcony/result.h). The code decides what a peer is told (a
// stanza error condition, RFC 6120 §8.3.3) and which exit code a command ends with; the sentence is
// for people and never holds a secret. Values only: safe to copy between threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace balcony {

// Which of the ways it failed. Values are stable within a release; names are log and metric labels.
enum class Errc : std::uint8_t {
  // The stanza error conditions, RFC 6120 §8.3.3, in the order of its subsections.
  kBadRequest,
  kConflict,
  kFeatureNotImplemented,
  kForbidden,
  kGone,
  kInternalServerError,
  kItemNotFound,
  kJidMalformed,
  kNotAcceptable,
  kNotAllowed,
  kNotAuthorized,
  kPolicyViolation,
  kRecipientUnavailable,
  kRedirect,
  kRegistrationRequired,
  kRemoteServerNotFound,
  kRemoteServerTimeout,
  kResourceConstraint,
  kServiceUnavailable,
  kSubscriptionRequired,
  kUndefinedCondition,
  kUnexpectedRequest,

  // A JID that is not one (RFC 7622 §3): each way by its name.
  kJidEmpty,
  kJidLocalEmpty,
  kJidLocalTooLong,
  kJidLocalForbidden,
  kJidDomainEmpty,
  kJidDomainTooLong,
  kJidDomainForbidden,
  kJidResourceEmpty,
  kJidResourceTooLong,
  kJidResourceForbidden,
  kJidNotUtf8,

  // A name or password that its profile refuses (RFC 8264 §7, RFC 8265).
  kPrecisForbidden,
  kPrecisEmpty,
  kPrecisTooLong,

  // XML that ends a stream (RFC 6120 §4.9.3, §11).
  kXmlNotWellFormed,
  kXmlRestricted,
  kXmlBadEncoding,
  kXmlBadNamespacePrefix,
  kXmlTooBig,
  kXmlTooDeep,

  // Input in another grammar (base64, data form, date, configuration).
  kMalformed,

  // Authentication (RFC 6120 §6.5).
  kSaslAborted,
  kSaslAccountDisabled,
  kSaslCredentialsExpired,
  kSaslEncryptionRequired,
  kSaslIncorrectEncoding,
  kSaslInvalidAuthzid,
  kSaslInvalidMechanism,
  kSaslMalformedRequest,
  kSaslMechanismTooWeak,
  kSaslNotAuthorized,
  kSaslTemporaryAuthFailure,

  // The world outside.
  kTimeout,     // it did not come in time; the peer may still be there
  kClosed,      // the peer, or we, ended the connection
  kCancelled,   // we changed our mind
  kConnect,     // no connection could be made
  kTls,         // the TLS layer refused (certificate, protocol, alert)
  kIo,          // reading or writing failed below us
  kDiskFull,    // no room left, or the folder is read-only
  kNotFound,    // a file, key or name that is not there
  kVersion,     // put-if-version met another version
  kOverloaded,  // a bounded queue is full
  kConfig,      // the configuration is wrong; the detail lists every problem
  kUsage,       // a command was called wrongly
};

// The name of a code, as in logs: `kBadRequest` is "bad-request". Never empty.
std::string_view to_string(Errc code) noexcept;

// What went wrong. Never empty-handed: a code always, and one sentence that a person can act on.
struct Error {
  // `code_` as above; `detail_` one sentence without secrets, may be empty where the code says all.
  explicit Error(Errc code_, std::string detail_ = {}) : code(code_), detail(std::move(detail_)) {}

  // "bad-request: required attribute 'id' is missing"
  std::string to_string() const;

  Errc code;
  std::string detail;
};

}  // namespace balcony

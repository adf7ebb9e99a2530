#include "app/balcony/exit_code.h"

#include "app/balcony/output.h"

#include <string>

namespace balcony::cli {
namespace {

// What to do, where we know better than the sentence.
std::string_view advice(const Error& error) {
  switch (error.code) {
    case Errc::kSaslNotAuthorized:
      return "Check the address and the password (--password-file, BALCONY_PASSWORD, or what "
             "balcony login has stored).";
    case Errc::kSaslMechanismTooWeak:
      return "The server offers only logins that would give the password away.";
    case Errc::kTls:
      return "A server with its own authority: --ca FILE. Without any check: --insecure.";
    case Errc::kNotFound:
    case Errc::kConnect: return "Is the server's name right? --server host:port names another.";
    case Errc::kFeatureNotImplemented:
    case Errc::kServiceUnavailable:
      return "Nobody is there, or they do not offer this; balcony disco shows what they do.";
    case Errc::kRemoteServerNotFound: return "Is the domain written right?";
    default: return {};
  }
}

}  // namespace

ExitCode exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::kUsage:
    case Errc::kConfig: return kUsage;
    case Errc::kConnect:
    case Errc::kClosed:
    case Errc::kTls:
    case Errc::kIo:
    case Errc::kNotFound:
    case Errc::kRedirect:
    case Errc::kMalformed:
    case Errc::kXmlNotWellFormed:
    case Errc::kXmlRestricted:
    case Errc::kXmlBadEncoding:
    case Errc::kXmlBadNamespacePrefix:
    case Errc::kXmlTooBig:
    case Errc::kXmlTooDeep: return kNoConnection;
    case Errc::kTimeout: return kTimedOut;
    default: break;
  }
  const bool sasl = code >= Errc::kSaslAborted && code <= Errc::kSaslTemporaryAuthFailure;
  const bool bad_jid = code >= Errc::kJidEmpty && code <= Errc::kJidNotUtf8;
  if (bad_jid) return kUsage;
  return sasl ? kNoLogin : kFailed;
}

int report(const Error& error) {
  const std::string detail =
      error.detail.empty() ? std::string(to_string(error.code)) : printable(error.detail);
  complain(detail + " (" + std::string(to_string(error.code)) + ")");
  if (const std::string_view what = advice(error); !what.empty()) complain(what);
  return exit_code(error.code);
}

}  // namespace balcony::cli

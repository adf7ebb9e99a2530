#include "stream/server_says.h"

#include "stanza/ns.h"

#include <string>
#include <string_view>

namespace balcony::stream {
namespace {

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

Failed ended_by_peer(xml::ElementView stream_error) {
  const StreamError error = *read_stream_error(stream_error);
  Failed result{to_error(error), error, {}};
  if (error.condition == StreamCondition::kSeeOtherHost) {
    result.see_other_host = stream_error.child(ns::kStreams, "see-other-host").text();
    result.error = Error(Errc::kRedirect, "the server says to connect to " + result.see_other_host);
  }
  return result;
}

bool is_xml_error(const Error& error) noexcept {
  return error.code >= Errc::kXmlNotWellFormed && error.code <= Errc::kXmlTooDeep;
}

}  // namespace balcony::stream

#include "stanza/stream_error.h"

#include "stanza/ns.h"

#include <array>
#include <utility>

namespace balcony {
namespace {

constexpr std::array<std::string_view, 25> kNames = {
    "bad-format",
    "bad-namespace-prefix",
    "conflict",
    "connection-timeout",
    "host-gone",
    "host-unknown",
    "improper-addressing",
    "internal-server-error",
    "invalid-from",
    "invalid-namespace",
    "invalid-xml",
    "not-authorized",
    "not-well-formed",
    "policy-violation",
    "remote-connection-failed",
    "reset",
    "resource-constraint",
    "restricted-xml",
    "see-other-host",
    "system-shutdown",
    "undefined-condition",
    "unsupported-encoding",
    "unsupported-feature",
    "unsupported-stanza-type",
    "unsupported-version",
};

StreamCondition stream_condition_of(Errc code) {
  switch (code) {
    case Errc::kXmlNotWellFormed: return StreamCondition::kNotWellFormed;
    case Errc::kXmlRestricted: return StreamCondition::kRestrictedXml;
    case Errc::kXmlBadEncoding: return StreamCondition::kUnsupportedEncoding;
    case Errc::kXmlBadNamespacePrefix: return StreamCondition::kBadNamespacePrefix;
    case Errc::kXmlTooBig:
    case Errc::kXmlTooDeep:
    case Errc::kPolicyViolation: return StreamCondition::kPolicyViolation;
    case Errc::kConflict: return StreamCondition::kConflict;
    case Errc::kTimeout: return StreamCondition::kConnectionTimeout;
    case Errc::kNotAuthorized: return StreamCondition::kNotAuthorized;
    case Errc::kOverloaded:
    case Errc::kDiskFull:
    case Errc::kResourceConstraint: return StreamCondition::kResourceConstraint;
    case Errc::kIo:
    case Errc::kInternalServerError: return StreamCondition::kInternalServerError;
    default: return StreamCondition::kUndefinedCondition;
  }
}

}  // namespace

std::string_view to_string(StreamCondition condition) noexcept {
  return kNames[std::to_underlying(condition)];
}

xml::Element write_stream_error(const StreamError& error) {
  xml::Element element(ns::kStream, "error");
  element.append(ns::kStreams, to_string(error.condition));
  if (!error.text.empty()) {
    xml::ElementRef text = element.append(ns::kStreams, "text");
    text.set(xml::kXmlNs, "lang", "en");
    text.append_text(error.text);
  }
  return element;
}

std::optional<StreamError> read_stream_error(xml::ElementView element) {
  if (!element.is(ns::kStream, "error")) return std::nullopt;
  StreamError error;
  for (const xml::ElementView child : element.children()) {
    if (child.ns() != ns::kStreams) continue;
    if (child.name() == "text") {
      error.text = child.text();
      continue;
    }
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i] == child.name()) error.condition = static_cast<StreamCondition>(i);
    }
  }
  return error;
}

StreamError to_stream_error(const Error& error) {
  return {stream_condition_of(error.code), error.detail};
}

}  // namespace balcony

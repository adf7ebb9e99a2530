// Stream errors (RFC 6120 §4.9): what a stream that cannot go on ends with.
#pragma once

#include <balcony/element.h>
#include <balcony/error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace balcony {

// RFC 6120 §4.9.3, in the order of its subsections.
enum class StreamCondition : std::uint8_t {
  kBadFormat,
  kBadNamespacePrefix,
  kConflict,
  kConnectionTimeout,
  kHostGone,
  kHostUnknown,
  kImproperAddressing,
  kInternalServerError,
  kInvalidFrom,
  kInvalidNamespace,
  kInvalidXml,
  kNotAuthorized,
  kNotWellFormed,
  kPolicyViolation,
  kRemoteConnectionFailed,
  kReset,
  kResourceConstraint,
  kRestrictedXml,
  kSeeOtherHost,
  kSystemShutdown,
  kUndefinedCondition,
  kUnsupportedEncoding,
  kUnsupportedFeature,
  kUnsupportedStanzaType,
  kUnsupportedVersion,
};

std::string_view to_string(StreamCondition condition) noexcept;

struct StreamError {
  StreamCondition condition = StreamCondition::kUndefinedCondition;
  std::string text;  // for people; may be empty
};

// The <stream:error/> element, and back. nullopt when `element` is no stream error.
xml::Element write_stream_error(const StreamError& error);
std::optional<StreamError> read_stream_error(xml::ElementView element);

// What the splitter, the parser or a limit refused, as the error that ends the stream.
StreamError to_stream_error(const Error& error);

}  // namespace balcony

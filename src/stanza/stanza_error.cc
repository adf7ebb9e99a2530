#include "stanza/stanza_error.h"

#include "stanza/ns.h"

#include <array>
#include <utility>

namespace balcony {
namespace {

constexpr std::array<std::string_view, 5> kErrorTypeNames = {"auth", "cancel", "continue", "modify",
                                                             "wait"};

// RFC 6120 §8.3.3.1 to §8.3.3.22: the type that each condition comes with.
ErrorType type_of(Errc condition) {
  switch (condition) {
    case Errc::kBadRequest:
    case Errc::kJidMalformed:
    case Errc::kNotAcceptable:
    case Errc::kPolicyViolation:
    case Errc::kRedirect: return ErrorType::kModify;
    case Errc::kForbidden:
    case Errc::kNotAuthorized:
    case Errc::kRegistrationRequired:
    case Errc::kSubscriptionRequired: return ErrorType::kAuth;
    case Errc::kRecipientUnavailable:
    case Errc::kRemoteServerTimeout:
    case Errc::kResourceConstraint:
    case Errc::kUnexpectedRequest: return ErrorType::kWait;
    default: return ErrorType::kCancel;
  }
}

Errc condition_of(Errc code) {
  if (code <= Errc::kUnexpectedRequest) return code;
  if (code <= Errc::kJidNotUtf8) return Errc::kJidMalformed;
  switch (code) {
    case Errc::kPrecisForbidden:
    case Errc::kPrecisEmpty:
    case Errc::kPrecisTooLong:
    case Errc::kUsage: return Errc::kNotAcceptable;
    case Errc::kXmlNotWellFormed:
    case Errc::kXmlRestricted:
    case Errc::kXmlBadEncoding:
    case Errc::kXmlBadNamespacePrefix:
    case Errc::kMalformed: return Errc::kBadRequest;
    case Errc::kXmlTooBig:
    case Errc::kXmlTooDeep: return Errc::kPolicyViolation;
    case Errc::kTimeout: return Errc::kRemoteServerTimeout;
    case Errc::kNotFound: return Errc::kItemNotFound;
    case Errc::kVersion: return Errc::kConflict;
    case Errc::kDiskFull:
    case Errc::kOverloaded: return Errc::kResourceConstraint;
    case Errc::kConnect: return Errc::kRemoteServerNotFound;
    default: return Errc::kInternalServerError;
  }
}

// The reason of an error of ours is for the log: a peer learns only that we failed.
bool text_is_for_peers(Errc code) {
  return code <= Errc::kMalformed || code == Errc::kUsage;
}

std::optional<Errc> condition_named(std::string_view name) {
  for (auto i = std::to_underlying(Errc::kBadRequest);
       i <= std::to_underlying(Errc::kUnexpectedRequest); ++i) {
    if (to_string(static_cast<Errc>(i)) == name) return static_cast<Errc>(i);
  }
  return std::nullopt;
}

xml::Element reply_to(xml::ElementView stanza, std::string_view type) {
  xml::Element reply(stanza.ns(), stanza.name());
  if (const auto from = stanza.find_attr("from")) reply.set("to", *from);
  if (const auto to = stanza.find_attr("to")) reply.set("from", *to);
  if (const auto id = stanza.find_attr("id")) reply.set("id", *id);
  reply.set("type", type);
  return reply;
}

}  // namespace

std::string_view to_string(ErrorType type) noexcept {
  return kErrorTypeNames[std::to_underlying(type)];
}

StanzaError to_stanza_error(const Error& error) {
  StanzaError told;
  told.condition = condition_of(error.code);
  told.type = type_of(told.condition);
  if (text_is_for_peers(error.code)) told.text = error.detail;
  return told;
}

std::optional<StanzaError> read_stanza_error(xml::ElementView stanza) {
  return read_error_element(stanza.child("error"));
}

std::optional<StanzaError> read_error_element(xml::ElementView element) {
  if (!element) return std::nullopt;
  StanzaError error;
  for (std::size_t i = 0; i < kErrorTypeNames.size(); ++i) {
    if (kErrorTypeNames[i] == element.attr("type")) error.type = static_cast<ErrorType>(i);
  }
  error.by = element.attr("by");
  bool found = false;
  for (const xml::ElementView child : element.children()) {
    if (child.ns() != ns::kStanzas) {
      error.application = child.clone();
    } else if (child.name() == "text") {
      error.text = child.text();
      error.lang = child.lang();
    } else if (!found) {
      // RFC 6120 §8.3.3: a condition that is not understood is an <undefined-condition/>.
      error.condition = condition_named(child.name()).value_or(Errc::kUndefinedCondition);
      error.uri = child.text();
      found = true;
    }
  }
  if (!found) return std::nullopt;
  return error;
}

xml::Element write_stanza_error(const StanzaError& error) {
  xml::Element element(ns::kClient, "error");
  if (!error.by.empty()) element.set("by", error.by);
  element.set("type", to_string(error.type));
  element.append(ns::kStanzas, to_string(error.condition)).append_text(error.uri);
  if (!error.text.empty()) {
    xml::ElementRef text = element.append(ns::kStanzas, "text");
    text.set(xml::kXmlNs, "lang", error.lang.empty() ? "en" : error.lang);
    text.append_text(error.text);
  }
  element.ref().append_copy(error.application);
  return element;
}

xml::Element error_reply(xml::ElementView stanza, const StanzaError& error) {
  const std::string_view type = stanza.attr("type");
  // RFC 6120 §8.3.1: neither an error nor an iq result is answered with an error.
  if (type == "error" || (stanza.name() == "iq" && type == "result")) return {};
  xml::Element reply = reply_to(stanza, "error");
  reply.append(write_stanza_error(error));
  return reply;
}

xml::Element error_reply(xml::ElementView stanza, const Error& error) {
  return error_reply(stanza, to_stanza_error(error));
}

xml::Element result_reply(xml::ElementView iq, xml::Element payload) {
  xml::Element reply = reply_to(iq, "result");
  reply.append(std::move(payload));
  return reply;
}

}  // namespace balcony

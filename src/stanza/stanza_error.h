// Stanza errors (RFC 6120 §8.3): what a stanza that failed is answered with.
//
// One table maps every Errc to a condition and its type; nobody writes "service-unavailable" by
// hand.
#pragma once

#include "stanza/stanza.h"

#include <optional>
#include <string>
#include <string_view>

namespace balcony {

// RFC 6120 §8.3.2
enum class ErrorType : std::uint8_t { kAuth, kCancel, kContinue, kModify, kWait };

std::string_view to_string(ErrorType type) noexcept;

struct StanzaError {
  ErrorType type = ErrorType::kCancel;
  Errc condition = Errc::kUndefinedCondition;  // one of the first group of Errc
  std::string text;                            // §8.3.2 <text/>; may be empty
  std::string lang;                            // xml:lang of the text; empty is "en"
  std::string by;                              // JID of who says so; may be empty
  std::string uri;                             // content of <gone/> or <redirect/>; may be empty
  xml::Element application;                    // §8.3.4; may be empty
};

// The condition and type that an Error is told as. What is no stanza condition is told as the
// nearest: an unprepared JID as <jid-malformed/>, an overload as <resource-constraint/>, our own
// troubles as <internal-server-error/>.
StanzaError to_stanza_error(const Error& error);

// The <error/> child of a stanza of type error. nullopt when there is none or it has no condition.
std::optional<StanzaError> read_stanza_error(xml::ElementView stanza);

// The same of an <error/> itself, which also stands in elements that are no stanzas (XEP-0220
// §2.5).
std::optional<StanzaError> read_error_element(xml::ElementView element);

// The <error/> element in `content` namespace jabber:client.
xml::Element write_stanza_error(const StanzaError& error);

// The answer to `stanza` (RFC 6120 §8.3.1): same kind and id, addresses swapped, type error. Works
// on elements that are no valid Stanza too, with whatever they have. Empty when no error may be
// answered: to an error or an iq result (§8.3.1: an error is never answered with an error).
xml::Element error_reply(xml::ElementView stanza, const StanzaError& error);
xml::Element error_reply(xml::ElementView stanza, const Error& error);

// The answer to an iq of type get or set with this payload, which may be empty.
xml::Element result_reply(xml::ElementView iq, xml::Element payload = {});

}  // namespace balcony

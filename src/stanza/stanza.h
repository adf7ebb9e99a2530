// A stanza: a message, presence or iq (RFC 6120 §8) with its addresses parsed.
//
// A Stanza is valid: its kind and type are known ones and its addresses are JIDs. It owns its tree,
// which is always in the namespace jabber:client (streams with another one translate at their
// edge). Movable, not copyable; one thread at a time.
#pragma once

#include "stanza/receipt.h"

#include <balcony/element.h>
#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace balcony {

enum class StanzaKind : std::uint8_t { kMessage, kPresence, kIq };

enum class StanzaType : std::uint8_t {
  // message, RFC 6121 §5.2.2
  kNormal,
  kChat,
  kGroupchat,
  kHeadline,
  // presence, RFC 6121 §4.7.1; kAvailable has no attribute
  kAvailable,
  kUnavailable,
  kSubscribe,
  kSubscribed,
  kUnsubscribe,
  kUnsubscribed,
  kProbe,
  // iq, RFC 6120 §8.2.3
  kGet,
  kSet,
  kResult,
  // all three
  kError,
};

// The attribute's value; empty for kAvailable.
std::string_view to_string(StanzaType type) noexcept;

// Whether an element is a stanza by its name: <message/>, <presence/> or <iq/> in jabber:client.
std::optional<StanzaKind> stanza_kind(xml::ElementView element) noexcept;

class Stanza {
 public:
  // Takes `element` over if it is a valid stanza, else leaves it as it is, so that the caller can
  // answer with an error. Errors: kUndefinedCondition  no stanza at all (for a stream:
  // <unsupported-stanza-type/>, RFC 6120 §4.9.3.24)
  //         kBadRequest          an iq without id or with a type that is none, a get or set without
  //         exactly
  //                              one child element (RFC 6120 §8.2.3), a presence of unknown type
  //         kJidMalformed        `to` is no JID (§8.3.3.8)
  //         kJidNotUtf8…         `from` is no JID: the code of Jid::parse (a stream answers
  //         <invalid-from/>)
  static Result<Stanza> make(xml::Element& element);

  // A new one: <message type=…/> and so on.
  Stanza(StanzaKind kind, StanzaType type);

  StanzaKind kind() const noexcept { return kind_; }
  StanzaType type() const noexcept { return type_; }
  bool is_message() const noexcept { return kind_ == StanzaKind::kMessage; }
  bool is_presence() const noexcept { return kind_ == StanzaKind::kPresence; }
  bool is_iq() const noexcept { return kind_ == StanzaKind::kIq; }
  bool is_error() const noexcept { return type_ == StanzaType::kError; }
  // An iq that must be answered: get or set.
  bool is_request() const noexcept {
    return type_ == StanzaType::kGet || type_ == StanzaType::kSet;
  }

  const std::optional<Jid>& from() const noexcept { return from_; }
  const std::optional<Jid>& to() const noexcept { return to_; }
  std::string_view id() const { return xml_.attr("id"); }
  // The payload of an iq: its first child element that is no <error/>. Null where there is none.
  xml::ElementView payload() const;

  void set_from(const Jid& from);
  void set_to(const Jid& to);
  void set_id(std::string_view id) { xml_.set("id", id); }
  void set_type(StanzaType type);

  xml::ElementView xml() const { return xml_.view(); }
  xml::ElementRef edit() { return xml_.ref(); }
  // Gives the tree away; the stanza is then empty.
  xml::Element take_xml() && { return std::move(xml_); }
  // With the same receipt.
  Stanza clone() const;
  // Without what is in it, with the same receipt: enough to answer it with an error.
  Stanza head() const;

  // Null where nobody waits to hear that the stanza is settled.
  const ReceiptPtr& receipt() const noexcept { return receipt_; }
  void set_receipt(ReceiptPtr receipt) noexcept { receipt_ = std::move(receipt); }
  // A copy of this stanza is on its way to disk for each of its recipients, under this receipt: a
  // stream that it is handed to need not answer for it. Set by archives.
  bool is_kept() const noexcept { return kept_; }
  void set_kept() noexcept { kept_ = true; }

 private:
  Stanza(xml::Element&& xml, StanzaKind kind, StanzaType type, std::optional<Jid> from,
         std::optional<Jid> to)
      : xml_(std::move(xml)),
        from_(std::move(from)),
        to_(std::move(to)),
        kind_(kind),
        type_(type) {}

  xml::Element xml_;
  std::optional<Jid> from_;
  std::optional<Jid> to_;
  ReceiptPtr receipt_;
  StanzaKind kind_;
  StanzaType type_;
  bool kept_ = false;
};

}  // namespace balcony

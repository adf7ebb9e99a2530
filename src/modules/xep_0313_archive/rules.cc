#include "modules/xep_0313_archive/rules.h"

#include "stanza/hints.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <array>

namespace balcony::modules {
namespace {

struct Payload {
  std::string_view ns;
  std::string_view name;  // empty: every element of the namespace
};

constexpr std::array kPayloads = {
    Payload{"eu.siacs.conversations.axolotl", "encrypted"},  // XEP-0384 0.3
    Payload{"urn:xmpp:omemo:1", "encrypted"},                // XEP-0384 0.7
    Payload{"urn:xmpp:omemo:2", "encrypted"},                // XEP-0384 0.8
    Payload{"urn:xmpp:openpgp:0", "openpgp"},                // XEP-0373
    Payload{"jabber:x:encrypted", "x"},                      // XEP-0027
    Payload{ns::kReceipts, "received"},                      // XEP-0184
    Payload{"urn:xmpp:chat-markers:0", "received"},          // XEP-0333
    Payload{"urn:xmpp:chat-markers:0", "displayed"},         // XEP-0333
    Payload{"urn:xmpp:chat-markers:0", "acknowledged"},      // XEP-0333
    Payload{"urn:xmpp:message-correct:0", "replace"},        // XEP-0308
    Payload{"urn:xmpp:reactions:0", "reactions"},            // XEP-0444
    Payload{"urn:xmpp:message-retract:0", "retract"},        // XEP-0424 0.3
    Payload{"urn:xmpp:message-retract:1", "retract"},        // XEP-0424
    Payload{"urn:xmpp:fasten:0", "apply-to"},                // XEP-0422
    Payload{"urn:xmpp:jingle-message:0", ""},                // XEP-0353
    Payload{"urn:xmpp:call-invites:0", ""},                  // XEP-0482
    Payload{"jabber:x:conference", "x"},                     // XEP-0249
    Payload{"jabber:x:oob", "x"},                            // XEP-0066
};

bool is_encrypted(xml::ElementView message) {
  return std::ranges::any_of(message.children(), [](xml::ElementView child) {
    return child.name() == "encrypted" || child.is("urn:xmpp:openpgp:0", "openpgp") ||
           child.is("jabber:x:encrypted", "x");
  });
}

bool is_kept_payload(xml::ElementView child) {
  if (child.ns() == ns::kClient) return child.name() == "body" || child.name() == "subject";
  // XEP-0045 §7.8: an invitation through the room.
  if (child.is("http://jabber.org/protocol/muc#user", "x")) {
    return static_cast<bool>(child.child("invite")) || static_cast<bool>(child.child("decline"));
  }
  return std::ranges::any_of(kPayloads, [child](const Payload& kept) {
    return child.ns() == kept.ns && (kept.name.empty() || child.name() == kept.name);
  });
}

}  // namespace

bool is_worth_keeping(const Stanza& message) {
  if (message.type() != StanzaType::kNormal && message.type() != StanzaType::kChat) return false;
  const Hints hints = read_hints(message.xml());
  if (hints.forbids_archive()) return false;
  if (hints.wants_archive()) return true;
  const xml::ChildRange children = message.xml().children();
  return std::ranges::any_of(children.begin(), children.end(), is_kept_payload);
}

storage::ArchiveRow archive_row(const Stanza& message, std::string_view id, const Jid& peer,
                                WallTime now) {
  const xml::ElementView xml = message.xml();
  storage::ArchiveRow row;
  row.id = id;
  row.with = peer.bare_str();
  row.when = now;
  const xml::ElementView origin = xml.child(ns::kStanzaId, "origin-id");
  row.origin_id = origin ? origin.attr("id") : message.id();
  row.stanza = xml::to_string(xml);
  // The body of an encrypted message only says that it is one.
  if (!is_encrypted(xml)) row.search = xml.child_text(ns::kClient, "body");
  return row;
}

}  // namespace balcony::modules

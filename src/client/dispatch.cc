// What comes in, to whom it belongs: answers to their requests, the rest to the handlers.
#include "client/core.h"
#include "payload/disco.h"
#include "payload/roster.h"
#include "payload/version.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <charconv>
#include <set>

namespace balcony::client {
namespace {

int read_priority(std::string_view text) {
  int priority = 0;
  std::from_chars(text.data(), text.data() + text.size(), priority);
  return priority;
}

struct CarbonCopy {
  Message::Copy kind = Message::Copy::kNone;
  xml::ElementView message;  // the copied one
};

// XEP-0280 §6, §7: the message inside of a copy.
CarbonCopy read_carbon(xml::ElementView xml) {
  for (const auto kind : {Message::Copy::kReceived, Message::Copy::kSent}) {
    const std::string_view name = kind == Message::Copy::kSent ? "sent" : "received";
    const xml::ElementView wrapper = xml.child(ns::kCarbons, name);
    if (!wrapper) continue;
    return {kind, wrapper.child(ns::kForward, "forwarded").child(ns::kClient, "message")};
  }
  return {};
}

std::string_view read_chat_state(xml::ElementView xml) {
  for (auto child = xml.first_child(); child; child = child.next_sibling()) {
    if (child.ns() == ns::kChatStates) return child.name();
  }
  return {};
}

Message read_message(xml::ElementView xml, const Jid& from, Message::Copy copy) {
  Message message{from,
                  xml.has_attr("type") ? xml.attr("type") : "normal",
                  xml.attr("id"),
                  xml.child_text(ns::kClient, "body"),
                  xml.child_text(ns::kClient, "subject"),
                  xml.child_text(ns::kClient, "thread"),
                  xml,
                  copy,
                  {},
                  {},
                  read_chat_state(xml),
                  xml.child(ns::kReceipts, "received").attr("id")};
  if (auto to = Jid::parse(xml.attr("to"))) message.to = *std::move(to);
  if (const auto delay = find_delay(xml)) message.delayed_since = delay->stamp;
  return message;
}

}  // namespace

void Core::on_element(xml::Element element) {
  if (abandoned_) return;
  if (handlers.element) handlers.element(element);
  if (abandoned_) return;
  if (element.ns() == ns::kStreamManagement) return hear(management_.on_element(element));
  on_stanza(element);
  // XEP-0198 §4: counted when it is dealt with, so that a resumption brings again what is not.
  if (stanza_kind(element)) management_.received();
}

void Core::on_stanza(xml::ElementView xml) {
  if (!stanza_kind(xml)) return;  // other elements are for whoever asked for their protocol
  // RFC 6120 §8.1.2.1: what has no 'from' is from the own account.
  auto from = xml.has_attr("from") ? Jid::parse(xml.attr("from")) : Result<Jid>(jid_.bare());
  if (!from) return;
  if (xml.name() == "iq") return on_iq(xml, *from);
  if (xml.name() == "message") return on_message(xml, *from);
  if (!handlers.presence) return;
  handlers.presence(Presence{*from, xml.attr("type"), xml.child_text(ns::kClient, "show"),
                             xml.child_text(ns::kClient, "status"),
                             read_priority(xml.child_text(ns::kClient, "priority")), xml});
}

void Core::on_message(xml::ElementView xml, const Jid& from) {
  if (take_archived(xml, from)) return;
  const CarbonCopy copy = read_carbon(xml);
  if (copy.kind == Message::Copy::kNone) {
    if (handlers.message) handlers.message(read_message(xml, from, copy.kind));
    return;
  }
  // XEP-0280 §11: only the own account says what the own account sent and received; from anybody
  // else it is forged.
  if (from != jid_.bare() || !copy.message || !handlers.message) return;
  const auto inner_from = copy.message.has_attr("from") ? Jid::parse(copy.message.attr("from"))
                                                        : Result<Jid>(jid_.bare());
  if (inner_from) handlers.message(read_message(copy.message, *inner_from, copy.kind));
}

void Core::on_iq(xml::ElementView iq, const Jid& from) {
  const std::string_view type = iq.attr("type");
  if (type == "result" || type == "error") {
    requests_.answered(iq, jid_);
    return;
  }
  if (take_roster_push(iq, from) || take_block_push(iq, from)) {
    (void)send(result_reply(iq));
    return;
  }
  const IqRequest request{from, type == "set", iq.first_child(), iq};
  auto reply = answer(request);
  // RFC 6120 §8.4: a payload that is not understood.
  if (!reply) reply = fail(Errc::kServiceUnavailable);
  const xml::Element stanza =
      *reply ? result_reply(iq, **std::move(reply)) : error_reply(iq, reply->error());
  if (stanza) (void)send(stanza);
}

// RFC 6121 §2.1.6: only the own account pushes; anybody else is answered as if we knew no rosters.
bool Core::take_roster_push(xml::ElementView iq, const Jid& from) {
  const xml::ElementView query = iq.first_child();
  if (iq.attr("type") != "set" || !query.is(ns::kRoster, "query")) return false;
  if (from != jid_.bare()) return false;
  const auto items = payload::read_roster(query);
  if (!items || items->size() != 1) return false;
  if (handlers.roster_push) handlers.roster_push(items->front());
  return true;
}

std::optional<Result<xml::Element>> Core::answer(const IqRequest& request) {
  const xml::ElementView payload = request.payload;
  const auto found = handlers.iq.find({std::string(payload.ns()), std::string(payload.name())});
  if (found != handlers.iq.end()) return found->second(request);
  if (request.is_set) return std::nullopt;
  if (payload.is(ns::kPing, "ping")) return xml::Element{};
  if (payload.is(ns::kVersion, "query")) return payload::write_version(options.version);
  if (payload.is(ns::kDiscoInfo, "query")) {
    // XEP-0030 §3.1: a node that is none of ours.
    if (payload.has_attr("node")) return Result<xml::Element>(fail(Errc::kItemNotFound));
    std::set<std::string> features = {std::string(ns::kDiscoInfo), std::string(ns::kPing),
                                      std::string(ns::kVersion)};
    for (const auto& [name, handler] : handlers.iq) features.insert(name.first);
    return payload::write_disco_info(
        DiscoInfo{{options.identity}, {features.begin(), features.end()}});
  }
  return std::nullopt;
}

}  // namespace balcony::client

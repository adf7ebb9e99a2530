// What comes in, to whom it belongs: answers to their requests, the rest to the handlers.
#include "client/core.h"
#include "client/received.h"
#include "payload/roster.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

namespace balcony::client {
namespace {

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
  handlers.presence(read_presence(xml, *from));
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
  const IqRequest request = read_request(iq, from);
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
  Self self{options.identity, options.version, {}};
  for (const auto& [name, handler] : handlers.iq) self.features.insert(name.first);
  return usual_answer(request, self);
}

}  // namespace balcony::client

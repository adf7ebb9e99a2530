// Presence of a gateway's addresses: each that is valid can be a contact, and is available while
// the gateway runs.
#include "gateway/gateway.h"
#include "stanza/ns.h"

namespace balcony::gateway {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t kPage = 500;
constexpr auto kBetweenPages = 100ms;

xml::Element presence(std::string_view from, std::string_view to, std::string_view type) {
  xml::Element stanza(ns::kClient, "presence");
  stanza.set("from", from).set("to", to);
  if (!type.empty()) stanza.set("type", type);
  return stanza;
}

}  // namespace

void Gateway::on_presence(const Presence& news) {
  if (!news.to || news.type == "error") return;
  const Jid user = news.from.bare();
  const Jid contact = news.to->bare();
  const bool asks = news.type == "subscribe" || news.type == "probe";
  const auto address = address_of(contact);
  if (!address || !user.has_local() || !serves(user.domain())) {
    if (asks) send(presence(contact.str(), user.str(), "unsubscribed"));
    return;
  }
  if (news.type == "unsubscribe") {
    contacts_.remove(user.str(), *address);
    return send(presence(contact.str(), user.str(), "unavailable"));
  }
  if (!asks) return;
  // A server probes for contacts of its user only (RFC 6121 §4.3.2): so what was forgotten here
  // comes back.
  if (!contacts_.add(user.str(), *address)) {
    return send(presence(contact.str(), user.str(), "unsubscribed"));
  }
  // XEP-0100 §4.6: granted at once; there is nobody who could be asked.
  if (news.type == "subscribe") send(presence(contact.str(), user.str(), "subscribed"));
  send(presence(contact.str(), user.str(), ""));
}

// Tells all who have contacts here; some at a time, so that no queue overflows.
Task<> Gateway::announce(std::shared_ptr<Gateway> self, std::string type) {
  Contacts::Pair last;
  for (;;) {
    const auto page = self->contacts_.page(last, kPage);
    for (const auto& [user, address] : page) {
      if (const auto contact = self->jid_of(address)) {
        self->send(presence(contact->str(), user, type));
      }
    }
    if (page.size() < kPage || !self->is_connected()) co_return;
    last = page.back();
    co_await self->runtime_.sleep(kBetweenPages);
    if (type.empty() && self->stopping_) co_return;
  }
}

}  // namespace balcony::gateway

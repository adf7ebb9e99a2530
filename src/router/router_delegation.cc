// Router's part in delegated namespaces (XEP-0355): requests that a component answers in the place
// of the server, and what it says about them in service discovery.
#include "router/router.h"
#include "stanza/ns.h"
#include "stanza/stanza_error.h"

#include <utility>

namespace balcony::router {
namespace {

constexpr std::chrono::seconds kAnswerWithin{30};

// XEP-0355 §4.3: the answer, whose addresses, id and type must be those of an answer to `request`.
Result<xml::Element> read_answer(const Stanza& request, const Stanza& answer) {
  const auto wrong = [](std::string_view what) {
    return fail(Errc::kServiceUnavailable, "the service's answer has " + std::string(what));
  };
  // Second note: an error of the service is not passed on.
  if (answer.is_error()) return wrong("an error");
  const xml::ElementView iq = answer.xml()
                                  .child(ns::kDelegation, "delegation")
                                  .child(ns::kForward, "forwarded")
                                  .child(ns::kClient, "iq");
  xml::Element copy = iq ? iq.clone() : xml::Element{};
  if (!copy) return wrong("no answer in it");
  const auto inner = Stanza::make(copy);
  if (!inner || inner->type() != StanzaType::kResult) return wrong("another type than result");
  if (inner->id() != request.id()) return wrong("another id");
  if (inner->to() != request.from()) return wrong("another 'to'");
  // RFC 6120 §8.1.2.1: from nobody is from the account of who asked.
  const bool from_own = !request.to() && inner->from() && *inner->from() == request.from()->bare();
  if (inner->from() != request.to() && !from_own) return wrong("another 'from'");
  const xml::ElementView payload = inner->payload();
  return payload ? payload.clone() : xml::Element{};
}

}  // namespace

// Null: the server answers by itself.
const TrustedComponent* Router::delegate_of(const Host& host, const User* user,
                                            const Stanza& stanza) const {
  const std::string_view at = host.host().domain();
  const xml::ElementView payload = stanza.payload();
  if (const auto* found = trust_.delegate(at, payload.ns(), payload)) return found;
  if (!user || stanza.type() != StanzaType::kGet) return nullptr;
  const std::string_view node = payload.attr("node");
  xml::Element query(payload.ns(), "query");
  query.set("node", node);
  if (payload.is(ns::kDiscoInfo, "query") && !node.empty()) {
    // §7.2.4: a node that the server does not know itself.
    const auto* found = trust_.delegate(at, ns::kDelegatedInfo, payload);
    if (!found) return nullptr;
    return host.fire(DiscoInfo{user, *stanza.from(), node, query}) == Flow::kStop ? nullptr : found;
  }
  if (!payload.is(ns::kDiscoItems, "query")) return nullptr;
  // §7.2.5: and all items of the account itself.
  const auto* found = trust_.delegate(at, ns::kDelegatedItems, payload);
  if (!found || node.empty()) return found;
  return host.fire(DiscoItems{user, *stanza.from(), node, query}) == Flow::kStop ? nullptr : found;
}

// Whether the request has been taken.
bool Router::delegate(const Host& host, const User* user, Stanza& stanza) {
  if (trust_.at(host.host().domain()).empty()) return false;
  const TrustedComponent* component = delegate_of(host, user, stanza);
  if (!component) return false;
  // §4.3.1: what the managing entity itself sends is not forwarded, also in a user's name.
  const std::string_view domain = component->domain.domain();
  if (stanza.from()->domain() == domain || asked_.on_behalf_of(stanza.id()) == domain) {
    return false;
  }
  // Who asks can ask again. A change counts as handled when the service has answered: what waits
  // for the answer keeps its receipt (docs/decisions/0019).
  if (stanza.type() == StanzaType::kGet) stanza.set_receipt(nullptr);
  at_home(component->domain,
          [to = component->domain, from = host.host(), taken = std::move(stanza)](
              Router& home) mutable { home.forward(to, from, std::move(taken)); });
  return true;
}

// On the component's home shard.
void Router::forward(const Jid& component, const Jid& host, Stanza stanza) {
  Endpoint* stream = components_.choose(component.domain(), *stanza.from());
  // §4.3, first note.
  if (!stream) {
    return bounce(stanza, Error(Errc::kServiceUnavailable, "this service is not connected now"));
  }
  Stanza outer(StanzaKind::kIq, StanzaType::kSet);
  outer.set_from(host);
  outer.set_to(component);
  outer.edit()
      .append(ns::kDelegation, "delegation")
      .append(ns::kForward, "forwarded")
      .append_copy(stanza.xml());
  const auto expected = asked_.expect(outer, component.domain(), kAnswerWithin,
                                      [this, head = stanza.head()](Result<Stanza> answer) {
                                        finish_delegated(head, std::move(answer));
                                      });
  if (!expected) return bounce(stanza, expected.error());
  stream->deliver(outer);
  ++counts_.delivered;
}

void Router::finish_delegated(const Stanza& request, Result<Stanza> answer) {
  // No answer in time is the answer of a service that is not there.
  if (!answer) return bounce(request, Error(Errc::kServiceUnavailable, answer.error().detail));
  auto payload = read_answer(request, *answer);
  if (!payload) return bounce(request, payload.error());
  send_answer(result_reply(request.xml(), *std::move(payload)));
}

// ---- service discovery: §7.2

void Router::ask_nested(const TrustedComponent& component, std::string_view host) {
  const auto own = Jid::make("", host);
  if (!own) return;
  for (const Delegation& delegation : component.delegations) {
    if (!is_plain(delegation)) continue;
    for (const bool account : {false, true}) {
      Stanza get(StanzaKind::kIq, StanzaType::kGet);
      get.set_from(*own);
      get.set_to(component.domain);
      get.edit()
          .append(ns::kDiscoInfo, "query")
          .set("node", NestedDisco::node(delegation.ns, account));
      const auto expected = asked_.expect(
          get, component.domain.domain(), kAnswerWithin,
          [this, name = std::string(host), ns = delegation.ns, account](Result<Stanza> answer) {
            if (!answer || answer->is_error()) return;
            const xml::ElementView info = answer->payload();
            if (info.is(ns::kDiscoInfo, "query")) tell_nested(name, ns, account, info);
          });
      if (expected) to_component(std::move(get));
    }
  }
}

// Every shard answers disco#info itself.
void Router::tell_nested(const std::string& host, const std::string& ns, bool account,
                         xml::ElementView info) {
  for (std::size_t i = 0; i < deps_.shards.count(); ++i) {
    deps_.shards.post(i, [host, ns, account, said = info.clone()](Router& there) {
      there.nested_.put(host, ns, account, said);
    });
  }
}

}  // namespace balcony::router

// Subscriptions that somebody asked for, and what he has of them (XEP-0060 §5.6, §5.7, §6.1, §6.2).
// Those that come with presence (XEP-0163 §4.1) are written nowhere.
#include "modules/pubsub/errors.h"
#include "modules/pubsub/requests.h"
#include "stanza/ns.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

using router::IqAnswer;
using router::IqReply;
using router::IqRequest;

// Subscriptions of one account, by its resources.
constexpr std::ptrdiff_t kOfOneMax = 10;

xml::Element subscription_answer(std::string_view node, const Jid& jid, std::string_view state) {
  xml::Element answer(ns::kPubsub, "pubsub");
  answer.append("subscription").set("node", node).set("jid", jid.str()).set("subscription", state);
  return answer;
}

storage::Ticket store_subscribers(Service& service, const std::string& name, const Node& node) {
  storage::Batch batch;
  batch.add(service.jid().str(), storage::op::Put{std::string(kNodeStore), name, store_node(node)});
  return service.commit(std::move(batch));
}

}  // namespace

IqReply subscribe(Service& service, const IqRequest& request, xml::ElementView verb) {
  const Relation relation = service.relation(request.from);
  Nodes* nodes = service.nodes();
  if (!nodes) return not_now();
  const std::string name(verb.attr("node"));
  const auto found = nodes->find(name);
  if (found == nodes->end()) return no_such_node(relation);
  Node& node = found->second;
  if (!may_read(node.config, relation)) return denial(node.config, relation);
  const auto jid = Jid::parse(verb.attr("jid"));
  if (!jid || !jid->same_bare(request.from)) {  // §6.1.3.1
    return refusal(Errc::kBadRequest, "invalid-jid");
  }
  const auto at = std::ranges::lower_bound(node.subscribers, *jid);
  storage::Ticket ticket = 0;
  if (at == node.subscribers.end() || *at != *jid) {
    const auto own = std::ranges::count_if(
        node.subscribers, [&jid](const Jid& other) { return other.same_bare(*jid); });
    if (own >= kOfOneMax || node.subscribers.size() >= service.limits().subscribers_max) {
      return refusal(Errc::kPolicyViolation, "too-many-subscriptions");
    }
    node.subscribers.insert(at, *jid);
    ticket = store_subscribers(service, name, node);
  }
  if (node.config.send_last != SendLast::kNever) service.greet(ticket, name, *jid);  // §6.1.7
  return IqAnswer(subscription_answer(name, *jid, "subscribed"), ticket);
}

IqReply unsubscribe(Service& service, const IqRequest& request, xml::ElementView verb) {
  const Relation relation = service.relation(request.from);
  Nodes* nodes = service.nodes();
  if (!nodes) return not_now();
  const std::string name(verb.attr("node"));
  const auto found = nodes->find(name);
  if (found == nodes->end()) return no_such_node(relation);
  Node& node = found->second;
  const auto jid = Jid::parse(verb.attr("jid"));
  const auto at = jid ? std::ranges::lower_bound(node.subscribers, *jid) : node.subscribers.end();
  const bool there = at != node.subscribers.end() && *at == *jid;
  // A stranger learns of a node that he may read, and of what is his own.
  const bool own = jid && jid->same_bare(request.from);
  if (!may_read(node.config, relation) && !(there && own)) return denial(node.config, relation);
  if (jid && !own) return refusal(Errc::kForbidden, {});                   // §6.2.3.3
  if (!there) return refusal(Errc::kUnexpectedRequest, "not-subscribed");  // §6.2.3.2
  node.subscribers.erase(at);
  const storage::Ticket ticket = store_subscribers(service, name, node);
  return IqAnswer(subscription_answer(name, *jid, "none"), ticket);
}

IqReply subscriptions(Service& service, const IqRequest& request, xml::ElementView verb) {
  const Nodes* nodes = service.nodes();
  if (!nodes) return not_now();
  xml::Element answer(ns::kPubsub, "pubsub");
  xml::ElementRef list = answer.append("subscriptions");
  if (verb.has_attr("node")) list.set("node", verb.attr("node"));
  for (const auto& [name, node] : *nodes) {
    if (verb.has_attr("node") && verb.attr("node") != name) continue;
    for (const Jid& jid : node.subscribers) {
      if (!jid.same_bare(request.from)) continue;
      list.append("subscription")
          .set("node", name)
          .set("jid", jid.str())
          .set("subscription", "subscribed");
    }
  }
  const bool stranger = service.relation(request.from).kind == Relation::Kind::kStranger;
  if (stranger && !list.has_children()) return refusal(Errc::kServiceUnavailable, {});
  return answer;
}

IqReply affiliations(Service& service, const IqRequest& request, xml::ElementView verb) {
  const Relation relation = service.relation(request.from);
  if (relation.kind == Relation::Kind::kStranger) return refusal(Errc::kServiceUnavailable, {});
  const Nodes* nodes = service.nodes();
  if (!nodes) return not_now();
  xml::Element answer(ns::kPubsub, "pubsub");
  xml::ElementRef list = answer.append("affiliations");
  if (verb.has_attr("node")) list.set("node", verb.attr("node"));
  if (relation.kind != Relation::Kind::kOwner) return answer;
  for (const auto& [name, node] : *nodes) {
    if (verb.has_attr("node") && verb.attr("node") != name) continue;
    list.append("affiliation").set("node", name).set("affiliation", "owner");
  }
  return answer;
}

}  // namespace balcony::modules::pubsub

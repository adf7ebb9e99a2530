// XEP-0163: Personal Eventing Protocol: every account is a publish-subscribe service (XEP-0060) of
// its own, whose contacts are subscribed to it by their presence. Items may stay, and nodes be
// public or private (XEP-0222, XEP-0223).
#include "modules/modules.h"
#include "modules/pubsub/node_config.h"
#include "modules/pubsub/requests.h"
#include "modules/xep_0163_pep/account_service.h"
#include "modules/xep_0163_pep/presence.h"
#include "stanza/ns.h"

#include <string>

namespace balcony::modules {
namespace {

using pubsub::ServiceLimits;

// XEP-0060 §5.3, §5.4
Flow pep_info(router::DiscoInfo& event) {
  if (!event.account) return Flow::kContinue;
  if (event.node.empty()) {  // XEP-0163 §6.1
    event.query.append("identity").set("category", "pubsub").set("type", "pep");
    return Flow::kContinue;
  }
  const pubsub::Nodes* nodes = pep::nodes_of(*event.account);
  if (!nodes) return Flow::kContinue;
  const auto found = nodes->find(event.node);
  if (found == nodes->end()) return Flow::kContinue;
  const pubsub::Node& node = found->second;
  if (!pubsub::may_read(node.config, pep::relation_of(*event.account, event.from))) {
    return Flow::kContinue;
  }
  event.query.append("identity").set("category", "pubsub").set("type", "leaf");
  event.query.append("feature").set("var", ns::kPubsub);
  event.query.append(
      write_data_form(pubsub::metadata_form(node.config, event.account->bare, node.items)));
  return Flow::kStop;
}

// XEP-0060 §5.2, XEP-0163 §6.2: only what the asker may read.
Flow pep_items(router::DiscoItems& event) {
  if (!event.account || !event.node.empty()) return Flow::kContinue;
  const pubsub::Nodes* nodes = pep::nodes_of(*event.account);
  if (!nodes) return Flow::kContinue;
  const pubsub::Relation relation = pep::relation_of(*event.account, event.from);
  for (const auto& [name, node] : *nodes) {
    if (!pubsub::may_read(node.config, relation)) continue;
    xml::ElementRef item = event.query.append("item");
    item.set("jid", event.account->bare.str()).set("node", name);
    if (!node.config.title.empty()) item.set("name", node.config.title);
  }
  return Flow::kContinue;
}

void attach_pep(Registrar& on, Server& server, const ServiceLimits& limits) {
  on.account_feature(ns::kPubsub);
  for (const std::string_view feature : pubsub::features()) {
    on.account_feature(std::string(ns::kPubsub) + "#" + std::string(feature));
  }
  const auto answer = [&server, &limits](const IqRequest& request) {
    return pubsub::answer_request(pep::account_service(server, request.user, limits), request);
  };
  // Anyone: a node may be open. What strangers are told of the others is in pubsub/access.h.
  for (const std::string_view ns : {ns::kPubsub, ns::kPubsubOwner}) {
    on.iq_get_task({ns, "pubsub"}, Target::kAccount, Access::kAnyone, answer);
    on.iq_set_task({ns, "pubsub"}, Target::kAccount, Access::kAnyone, answer);
  }
  on.on_load_user([&server](std::shared_ptr<router::User> user) {
    return pep::load_nodes(server, std::move(user));
  });
  on.on<router::DiscoInfo>([](router::DiscoInfo& event) { return pep_info(event); });
  on.on<router::DiscoItems>([](router::DiscoItems& event) { return pep_items(event); });
  pep::watch_presence(on, server);
}

}  // namespace

extern const ModuleSpec xep_0163_pep = router::module<ServiceLimits>(
    "pep",
    {{"XEP-0060", "1.30.0"}, {"XEP-0163", "1.2.2"}, {"XEP-0222", "1.0"}, {"XEP-0223", "1.1.1"}},
    "Lets users publish for their contacts: avatars, keys, bookmarks, cards.",
    {option("nodes_max", &ServiceLimits::nodes_max, 1, 10'000, "Nodes that a user may have."),
     option("items_max", &ServiceLimits::items_max, 1, 100'000,
            "Items that one node may keep; what 'max' means."),
     option("item_size_max", &ServiceLimits::item_bytes_max, Bytes{1024}, Bytes{1024 * 1024},
            "How large one item may be."),
     option("size_max", &ServiceLimits::bytes_max, Bytes{64 * 1024}, Bytes{1024 * 1024 * 1024},
            "How large all items of a user may be together."),
     option("subscribers_max", &ServiceLimits::subscribers_max, 1, 10'000,
            "Subscriptions to one node beside those that come with presence.")},
    attach_pep);

}  // namespace balcony::modules

// XEP-0030: Service Discovery: what the host and accounts are and can do, from what modules
// declared.
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

using router::DiscoInfo;
using router::DiscoItems;
using router::User;

// §3.2: what other modules know of a node.
template <class Event>
IqReply node_of(Server& server, const IqRequest& request, std::string_view ns) {
  const std::string_view node = request.payload.attr("node");
  xml::Element query(ns, "query");
  query.set("node", node);
  if (server.events().fire(Event{request.user.get(), request.from, node, query}) == Flow::kStop) {
    return query;
  }
  return fail(Errc::kItemNotFound, "there is no such node");
}

// §3.1
IqReply info(Server& server, const IqRequest& request) {
  const std::string_view node = request.payload.attr("node");
  if (!node.empty() && (request.user || !is_caps_node(server, node))) {
    return node_of<DiscoInfo>(server, request, ns::kDiscoInfo);
  }
  xml::Element query = disco_info(server, request.user.get(), request.from);
  if (!node.empty()) query.set("node", node);
  return query;
}

// §4.1. An account's items are its resources.
IqReply items(Server& server, const IqRequest& request) {
  if (!request.payload.attr("node").empty()) {
    return node_of<DiscoItems>(server, request, ns::kDiscoItems);
  }
  xml::Element query(ns::kDiscoItems, "query");
  if (const User* user = request.user.get()) {
    for (const auto& resource : user->resources) {
      if (resource->available) query.append("item").set("jid", resource->jid.str());
    }
  }
  server.events().fire(DiscoItems{request.user.get(), request.from, {}, query});
  return query;
}

void attach_disco(Registrar& on, Server& server, const NoOptions&) {
  for (const std::string_view feature : {ns::kDiscoInfo, ns::kDiscoItems}) {
    on.feature(feature);
    on.account_feature(feature);
  }
  // §8: who may not see the user's presence learns neither his resources nor whether he exists. For
  // disco#items it wants an empty result for both; RFC 6121 §8.5.1 wants <service-unavailable/> for
  // an account that does not exist, whatever was asked, and so it is for both.
  on.iq_get({ns::kDiscoInfo, "query"}, Target::kServerAndAccount, Access::kSubscribers,
            [&server](const IqRequest& request) { return info(server, request); });
  on.iq_get({ns::kDiscoItems, "query"}, Target::kServerAndAccount, Access::kSubscribers,
            [&server](const IqRequest& request) { return items(server, request); });
}

}  // namespace

extern const ModuleSpec xep_0030_disco =
    router::module<NoOptions>("disco", {{"XEP-0030", "2.5.0"}},
                              "Tells what the host and accounts are and can do.", {}, attach_disco);

}  // namespace balcony::modules

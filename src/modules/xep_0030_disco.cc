// XEP-0030: Service Discovery: what the host and accounts are and can do, from what modules
// declared.
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

using router::DiscoItems;
using router::User;

// §3.1
IqReply info(Server& server, const IqRequest& request) {
  const std::string_view node = request.payload.attr("node");
  if (!node.empty() && (request.user || !is_caps_node(server, node))) {
    return fail(Errc::kItemNotFound, "there is no such node");
  }
  xml::Element query = disco_info(server, request.user.get(), request.from);
  if (!node.empty()) query.set("node", node);
  return query;
}

// §4.1. An account's items are its resources, for who may see them (§8).
IqReply items(Server& server, const IqRequest& request) {
  const std::string_view node = request.payload.attr("node");
  if (!node.empty()) return fail(Errc::kItemNotFound, "there is no such node");
  xml::Element query(ns::kDiscoItems, "query");
  if (const User* user = request.user.get()) {
    for (const auto& resource : user->resources) {
      if (resource->available) query.append("item").set("jid", resource->jid.str());
    }
  }
  server.events().fire(DiscoItems{request.user.get(), request.from, node, query});
  return query;
}

void attach(Registrar& on, Server& server, const NoOptions&) {
  for (const std::string_view feature : {ns::kDiscoInfo, ns::kDiscoItems}) {
    on.feature(feature);
    on.account_feature(feature);
  }
  on.iq_get({ns::kDiscoInfo, "query"}, Target::kServerAndAccount, Access::kSubscribers,
            [&server](const IqRequest& request) { return info(server, request); });
  on.iq_get({ns::kDiscoItems, "query"}, Target::kServerAndAccount, Access::kSubscribers,
            [&server](const IqRequest& request) { return items(server, request); });
}

}  // namespace

extern const ModuleSpec xep_0030_disco =
    router::module<NoOptions>("disco", {{"XEP-0030", "2.5.0"}},
                              "Tells what the host and accounts are and can do.", {}, attach);

}  // namespace balcony::modules

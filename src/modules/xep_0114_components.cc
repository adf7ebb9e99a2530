// XEP-0114: Jabber Component Protocol: lists the external components that are connected among the
// host's items (XEP-0030 §4), so that people find them.
//
// Their streams are the server's (server/component_session.h), the way to them the router's.
#include "modules/modules.h"

namespace balcony::modules {
namespace {

void attach_components(Registrar& on, Server& server, const NoOptions&) {
  on.on<router::DiscoItems>([&server](router::DiscoItems& event) {
    if (event.account || !event.node.empty()) return Flow::kContinue;
    for (const std::string& domain : server.components()) {
      event.query.append("item").set("jid", domain);
    }
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0114_components = router::module<NoOptions>(
    "components", {{"XEP-0114", "1.6"}},
    "Lists external components that are connected among the host's services.", {},
    attach_components);

}  // namespace balcony::modules

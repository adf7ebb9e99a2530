// XEP-0115: Entity Capabilities: the server's own, in its stream features (§6.3).
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

void attach_caps(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kCaps);
  // What modules say of the host changes only with the configuration: the hash is made once.
  const auto hash = std::make_shared<std::string>();
  on.on<router::StreamFeatures>([&server, hash](router::StreamFeatures& event) {
    if (hash->empty()) *hash = caps_hash(disco_info(server, nullptr, server.host()));
    xml::ElementRef caps = event.features.append(ns::kCaps, "c");
    caps.set("hash", "sha-1").set("node", kCapsNode).set("ver", *hash);
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0115_caps = router::module<NoOptions>(
    "caps", {{"XEP-0115", "1.6.0"}}, "Tells clients the server's capabilities as they log in.", {},
    attach_caps);

}  // namespace balcony::modules

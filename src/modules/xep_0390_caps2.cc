// XEP-0390: Entity Capabilities 2.0: the server's own, in its stream features (§5.2), and the node
// that the hash names (§5.5). Beside XEP-0115, for clients that know only that.
#include "base/log.h"
#include "modules/caps2.h"
#include "modules/disco.h"
#include "modules/modules.h"
#include "stanza/ns.h"

#include <memory>
#include <string>

namespace balcony::modules {
namespace {

std::string current_hash(Server& server) {
  auto hash = caps2_hash(disco_info(server, nullptr, server.host()));
  if (hash) return *std::move(hash);
  log_error("the server's capabilities have no hash", {{"error", hash.error().to_string()}});
  return {};
}

void attach_caps2(Registrar& on, Server& server, const NoOptions&) {
  on.feature(ns::kCaps2);
  // What modules say of the host changes only with the configuration: the hash is made once.
  const auto hash = std::make_shared<std::string>();
  on.on<router::StreamFeatures>([&server, hash](router::StreamFeatures& event) {
    if (hash->empty()) *hash = current_hash(server);
    if (hash->empty()) return Flow::kContinue;
    xml::ElementRef made = event.features.append(ns::kCaps2, "c").append(ns::kHashes, "hash");
    made.set("algo", "sha-256");
    made.append_text(*hash);
    return Flow::kContinue;
  });
  on.on<router::DiscoInfo>([&server](router::DiscoInfo& event) {
    if (event.account || !event.node.starts_with(ns::kCaps2)) return Flow::kContinue;
    const xml::Element whole = disco_info(server, nullptr, event.from);
    const auto made = caps2_hash(whole);
    if (!made || event.node != caps2_node(*made)) return Flow::kContinue;
    for (const xml::ElementView child : whole.children()) event.query.ref().append_copy(child);
    return Flow::kStop;
  });
}

}  // namespace

extern const ModuleSpec xep_0390_caps2 = router::module<NoOptions>(
    "caps2", {{"XEP-0390", "0.3.2"}}, "Tells clients the server's capabilities, in the newer way.",
    {}, attach_caps2);

}  // namespace balcony::modules

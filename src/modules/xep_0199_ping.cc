// XEP-0199: XMPP Ping. Answers pings to the server and to accounts (§4).
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

void attach_ping(Registrar& on, Server&, const NoOptions&) {
  on.feature(ns::kPing);
  on.account_feature(ns::kPing);
  // §4.2, §4.3: a pong says no more than that the server is there; of an account that the asker may
  // not see, he learns nothing.
  on.iq_get({ns::kPing, "ping"}, Target::kServerAndAccount, Access::kSubscribers,
            [](const IqRequest&) -> IqReply { return xml::Element{}; });
}

}  // namespace

extern const ModuleSpec xep_0199_ping =
    router::module<NoOptions>("ping", {{"XEP-0199", "2.0.1"}}, "Answers pings.", {}, attach_ping);

}  // namespace balcony::modules

// XEP-0292: vCard4 over XMPP: the card is an item of the node urn:xmpp:vcard4 of the account's
// service (xep_0163_pep); this says so (§5). The iq form of old versions is gone since 0.12.
#include "modules/modules.h"
#include "stanza/ns.h"

namespace balcony::modules {
namespace {

void attach_vcard4(Registrar& on, Server&, const NoOptions&) {
  on.account_feature(ns::kVcard4);
}

}  // namespace

extern const ModuleSpec xep_0292_vcard4 =
    router::module<NoOptions>("vcard4", {{"XEP-0292", "0.12.0"}},
                              "Says that users' cards are kept as vCard4 too.", {}, attach_vcard4);

}  // namespace balcony::modules

// XEP-0359: Unique and Stable Stanza IDs: an id for each message that a user gets, which nobody can
// forge.
#include "modules/modules.h"
#include "modules/stanza_id.h"
#include "stanza/ns.h"
#include "storage/storage.h"

namespace balcony::modules {
namespace {

using router::StanzaIncoming;
using router::StanzaOutgoing;

struct StanzaIdOptions {
  bool add = true;
};

void attach_stanza_ids(Registrar& on, Server& server, const StanzaIdOptions& options) {
  on.account_feature(ns::kStanzaId);
  const auto incoming = [&server, &options](StanzaIncoming& event) {
    // §5 (4): an id that claims to be by this account is somebody's lie.
    remove_stanza_ids(event.stanza.edit(), event.user.bare);
    const StanzaType type = event.stanza.type();
    if (options.add && (type == StanzaType::kNormal || type == StanzaType::kChat)) {
      add_stanza_id(event.stanza.edit(), event.user.bare,
                    storage::archive_id(server.clock().wall()));
    }
    return Flow::kContinue;
  };
  on.on<StanzaIncoming>(StanzaKind::kMessage, Priority::kEarly, incoming);
  // What only a server may say: a client has no ids of its account to give.
  on.on<StanzaOutgoing>(StanzaKind::kMessage, Priority::kEarly, [](StanzaOutgoing& event) {
    remove_stanza_ids(event.stanza.edit(), event.sender.jid);
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0359_stanza_ids = router::module<StanzaIdOptions>(
    "stanza_ids", {{"XEP-0359", "0.7.0"}},
    "Gives each message that a user gets a stable id, and removes forged ones.",
    {option("add", &StanzaIdOptions::add,
            "Add an id; without it, forged ids are removed all the same.")},
    attach_stanza_ids);

}  // namespace balcony::modules

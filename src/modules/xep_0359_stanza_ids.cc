// XEP-0359: Unique and Stable Stanza IDs: an id for each message that a user gets, which nobody can
// forge.
#include "modules/modules.h"
#include "stanza/ns.h"
#include "storage/storage.h"

namespace balcony::modules {
namespace {

using router::StanzaIncoming;

struct StanzaIdOptions {
  bool add = true;
};

// §5 (4): an id that claims to be by this account is somebody's lie.
void strip_forged(StanzaIncoming& event) {
  xml::ElementRef message = event.stanza.edit();
  for (xml::ElementView child = message.first_child(); child;) {
    const xml::ElementView next = child.next_sibling();
    if (child.is(ns::kStanzaId, "stanza-id")) {
      const auto by = Jid::parse(child.attr("by"));
      if (!by || by->same_bare(event.user.bare)) message.remove_child(child);
    }
    child = next;
  }
}

void attach(Registrar& on, Server& server, const StanzaIdOptions& options) {
  on.account_feature(ns::kStanzaId);
  on.on<StanzaIncoming>(Priority::kEarly, [&server, &options](StanzaIncoming& event) {
    if (!event.stanza.is_message()) return Flow::kContinue;
    strip_forged(event);
    const StanzaType type = event.stanza.type();
    if (options.add && (type == StanzaType::kNormal || type == StanzaType::kChat)) {
      event.stanza.edit()
          .append(ns::kStanzaId, "stanza-id")
          .set("by", event.user.bare.str())
          .set("id", storage::archive_id(server.clock().wall()));
    }
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0359_stanza_ids = router::module<StanzaIdOptions>(
    "stanza_ids", {{"XEP-0359", "0.7.0"}},
    "Gives each message that a user gets a stable id, and removes forged ones.",
    {option("add", &StanzaIdOptions::add,
            "Add an id; without it, forged ids are removed all the same.")},
    attach);

}  // namespace balcony::modules

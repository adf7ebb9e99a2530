#include "modules/stanza_id.h"

#include "stanza/ns.h"

namespace balcony::modules {

std::size_t remove_stanza_ids(xml::ElementRef message, const Jid& account) {
  return message.remove_children_if([&account](xml::ElementView child) {
    if (!child.is(ns::kStanzaId, "stanza-id")) return false;
    const auto by = Jid::parse(child.attr("by"));
    return !by || by->same_bare(account);
  });
}

std::string_view find_stanza_id(xml::ElementView message, const Jid& account) {
  for (const xml::ElementView id : message.children(ns::kStanzaId, "stanza-id")) {
    if (id.attr("by") == account.bare_str()) return id.attr("id");
  }
  return {};
}

void add_stanza_id(xml::ElementRef message, const Jid& account, std::string_view id) {
  message.append(ns::kStanzaId, "stanza-id").set("by", account.bare_str()).set("id", id);
}

}  // namespace balcony::modules

#include "client/privileges.h"

#include "stanza/ns.h"
#include "stanza/stanza_error.h"
#include "stream/server_says.h"

#include <string_view>
#include <utility>

namespace balcony::client {
namespace {

using Types = ComponentPrivileges::Types;

Types read_types(std::string_view text) {
  if (text == "get") return Types::kGet;
  if (text == "set") return Types::kSet;
  return text == "both" ? Types::kBoth : Types::kNone;
}

void read_permission(xml::ElementView perm, ComponentPrivileges& privileges) {
  const std::string_view access = perm.attr("access");
  const std::string_view type = perm.attr("type");
  if (access == "roster") {
    privileges.roster = read_types(type);
    const bool reads = includes(privileges.roster, Types::kGet);
    // XEP-0356 §4.2: without the attribute it goes with reading.
    const std::string_view push = perm.attr("push");
    privileges.roster_pushes = reads && (push.empty() || push == "true" || push == "1");
  } else if (access == "message") {
    privileges.messages = type == "outgoing";
  } else if (access == "presence") {
    if (type == "managed_entity")
      privileges.presence = ComponentPrivileges::Presence::kManagedEntity;
    if (type == "roster") privileges.presence = ComponentPrivileges::Presence::kRoster;
  } else if (access == "iq") {
    for (const xml::ElementView ns : perm.children(ns::kPrivilege, "namespace")) {
      privileges.iq[std::string(ns.attr("ns"))] = read_types(ns.attr("type"));
    }
  }
}

}  // namespace

std::optional<ComponentPrivileges> read_privileges(xml::ElementView message) {
  const xml::ElementView element = message.child(ns::kPrivilege, "privilege");
  if (!element) return std::nullopt;
  ComponentPrivileges privileges;
  for (const xml::ElementView perm : element.children(ns::kPrivilege, "perm")) {
    read_permission(perm, privileges);
  }
  return privileges;
}

xml::Element wrap_message(xml::Element message, const Jid& host) {
  xml::Element outer(ns::kClient, "message");
  outer.set("to", host.str());
  outer.append(ns::kPrivilege, "privilege")
      .append(ns::kForward, "forwarded")
      .append(std::move(message));
  return outer;
}

xml::Element wrap_request(xml::Element iq, const Jid& user) {
  xml::Element outer(ns::kClient, "iq");
  outer.set("to", user.bare().str()).set("type", iq.attr("type"));
  outer.append(ns::kPrivilege, "privileged_iq").append(std::move(iq));
  return outer;
}

Result<xml::Element> unwrap_answer(xml::ElementView payload) {
  const xml::ElementView iq = payload.child(ns::kForward, "forwarded").child(ns::kClient, "iq");
  if (!payload.is(ns::kPrivilege, "privilege") || !iq) {
    return fail(Errc::kMalformed, "the server's answer has no answer in it");
  }
  if (iq.attr("type") == "error") {
    auto error = read_stanza_error(iq);
    if (!error) error.emplace();
    return fail(stream::to_error(*error));
  }
  const xml::ElementView inner = iq.first_child();
  return inner ? inner.clone() : xml::Element{};
}

}  // namespace balcony::client

namespace balcony {

bool includes(ComponentPrivileges::Types types, ComponentPrivileges::Types type) noexcept {
  return (std::to_underlying(types) & std::to_underlying(type)) == std::to_underlying(type);
}

}  // namespace balcony

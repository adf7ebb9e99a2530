#include "router/privileges.h"

#include "router/components.h"
#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <utility>

namespace balcony::router {
namespace {

constexpr std::array<std::string_view, 4> kTypeNames = {"none", "get", "set", "both"};
constexpr std::array<std::string_view, 3> kPresenceNames = {"none", "managed_entity", "roster"};

xml::ElementRef add_permission(xml::Element& privilege, std::string_view access) {
  return privilege.append("perm").set("access", access);
}

bool has_all(xml::ElementView payload, const std::vector<std::string>& attributes) {
  return std::ranges::all_of(attributes,
                             [payload](const std::string& name) { return payload.has_attr(name); });
}

}  // namespace

bool includes(IqTypes types, bool is_set) noexcept {
  return (std::to_underlying(types) & std::to_underlying(is_set ? IqTypes::kSet : IqTypes::kGet)) !=
         0;
}

std::string_view to_string(IqTypes types) noexcept {
  return kTypeNames[std::to_underlying(types)];
}

bool Privileges::any() const noexcept {
  return roster != IqTypes::kNone || message || presence != PresenceAccess::kNone || !iq.empty();
}

IqTypes Privileges::iq_types(std::string_view ns) const noexcept {
  const auto found = std::ranges::find(iq, ns, &IqAccess::ns);
  return found == iq.end() ? IqTypes::kNone : found->types;
}

xml::Element write_privileges(const Privileges& privileges, bool all) {
  xml::Element privilege(ns::kPrivilege, "privilege");
  if (all || privileges.roster != IqTypes::kNone) {
    xml::ElementRef roster = add_permission(privilege, "roster");
    roster.set("type", to_string(privileges.roster));
    roster.set("push", privileges.pushes() ? "true" : "false");
  }
  if (all || privileges.message) {
    add_permission(privilege, "message").set("type", privileges.message ? "outgoing" : "none");
  }
  if (all || !privileges.iq.empty()) {
    xml::ElementRef iq = add_permission(privilege, "iq");
    for (const IqAccess& access : privileges.iq) {
      iq.append("namespace").set("ns", access.ns).set("type", to_string(access.types));
    }
  }
  if (all || privileges.presence != PresenceAccess::kNone) {
    const std::string_view type = kPresenceNames[std::to_underlying(privileges.presence)];
    add_permission(privilege, "presence").set("type", type);
  }
  return privilege;
}

xml::Element write_delegations(const Delegations& delegations) {
  xml::Element element(ns::kDelegation, "delegation");
  for (const Delegation& delegation : delegations) {
    xml::ElementRef delegated = element.append("delegated");
    delegated.set("namespace", delegation.ns);
    for (const std::string& name : delegation.attributes) {
      delegated.append("attribute").set("name", name);
    }
  }
  return element;
}

void TrustTable::set(const std::vector<ComponentSetup>& setups, const std::vector<Grants>& hosts) {
  hosts_.clear();
  const auto is_host = [&hosts](std::string_view domain) {
    return std::ranges::find(hosts, domain, &Grants::host) != hosts.end();
  };
  for (const ComponentSetup& setup : setups) {
    const auto domain = Jid::make("", setup.domain);
    if (!domain) continue;
    const std::string_view above = host_above(setup.domain, is_host);
    for (const Grants& host : hosts) {
      if (!above.empty() && above != host.host) continue;
      TrustedComponent component{*domain, {}, {}};
      if (host.privileges) component.privileges = setup.privileges;
      if (host.delegations) component.delegations = setup.delegations;
      if (!component.privileges.any() && component.delegations.empty()) continue;
      hosts_[host.host].push_back(std::make_shared<const TrustedComponent>(std::move(component)));
    }
  }
}

const TrustTable::Components& TrustTable::at(std::string_view host) const noexcept {
  static const Components kNobody;
  if (hosts_.empty()) return kNobody;
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? kNobody : found->second;
}

const TrustedComponent* TrustTable::find(std::string_view component,
                                         std::string_view host) const noexcept {
  for (const auto& trusted : at(host)) {
    if (trusted->domain.domain() == component) return trusted.get();
  }
  return nullptr;
}

std::vector<std::string> TrustTable::hosts_of(std::string_view component) const {
  std::vector<std::string> all;
  for (const auto& [host, components] : hosts_) {
    if (find(component, host)) all.push_back(host);
  }
  return all;
}

bool TrustTable::watches_contacts(std::string_view host) const noexcept {
  return std::ranges::any_of(at(host), [](const auto& component) {
    return component->privileges.presence == PresenceAccess::kRoster;
  });
}

const TrustedComponent* TrustTable::delegate(std::string_view host, std::string_view ns,
                                             xml::ElementView payload) const noexcept {
  for (const auto& component : at(host)) {
    for (const Delegation& delegation : component->delegations) {
      // XEP-0355 §4.3, third note: where an attribute is missing, nothing is delegated.
      if (delegation.ns == ns && has_all(payload, delegation.attributes)) return component.get();
    }
  }
  return nullptr;
}

}  // namespace balcony::router

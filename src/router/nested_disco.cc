#include "router/nested_disco.h"

#include "stanza/ns.h"

namespace balcony::router {

bool is_plain(const Delegation& delegation) noexcept {
  return delegation.ns != ns::kDelegatedInfo && delegation.ns != ns::kDelegatedItems;
}

std::string NestedDisco::node(std::string_view ns, bool account) {
  return std::string(ns::kDelegation) + (account ? ":bare:" : "::") + std::string(ns);
}

void NestedDisco::put(const std::string& host, const std::string& ns, bool account,
                      xml::ElementView info) {
  known_[{host, ns, account}] = info.clone();
}

void NestedDisco::erase(const TrustedComponent& component, const std::string& host) {
  for (const Delegation& delegation : component.delegations) {
    for (const bool account : {false, true}) known_.erase({host, delegation.ns, account});
  }
}

std::vector<NestedDisco::Found> NestedDisco::find(const TrustTable& trust, std::string_view host,
                                                  bool account) const {
  std::vector<Found> all;
  for (const auto& component : trust.at(host)) {
    for (const Delegation& delegation : component->delegations) {
      if (!is_plain(delegation)) continue;
      const auto known = known_.find({std::string(host), delegation.ns, account});
      all.push_back(
          {delegation.ns, known == known_.end() ? xml::ElementView{} : known->second.view()});
    }
  }
  return all;
}

}  // namespace balcony::router

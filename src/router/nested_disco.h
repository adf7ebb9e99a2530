// What components say about the namespaces that they answer for (XEP-0355 §7.2): asked when they
// connect, kept on every shard, gone when they go. A shard's thread only.
#pragma once

#include "router/privileges.h"

#include <balcony/element.h>

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

class NestedDisco {
 public:
  struct Found {
    std::string ns;         // delegated
    xml::ElementView info;  // the <query/>; null while nothing is known
  };

  // The node that is asked for (§7.2.1, §7.2.2).
  static std::string node(std::string_view ns, bool account);

  // `info`: the <query/> of a disco#info result.
  void put(const std::string& host, const std::string& ns, bool account, xml::ElementView info);
  // What the component has said for this host.
  void erase(const TrustedComponent& component, const std::string& host);
  // One for each namespace that is delegated at the host, valid until the next change.
  std::vector<Found> find(const TrustTable& trust, std::string_view host, bool account) const;

 private:
  struct Key {
    std::string host;
    std::string ns;
    bool account;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, xml::Element> known_;
};

// Whether the namespace of a delegation is one of requests: two others stand for what is asked of
// an account's disco nodes (XEP-0355 §7.2.4, §7.2.5).
bool is_plain(const Delegation& delegation) noexcept;

}  // namespace balcony::router

// What the configuration lets a component do beyond what every component may (XEP-0356), and which
// requests it answers in the server's place (XEP-0355); and the table of all such components.
//
// Plain data, read from the configuration by server/; each Router has a table of its own. A shard's
// thread only.
#pragma once

#include <balcony/element.h>
#include <balcony/jid.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::router {

struct ComponentSetup;

// Types of requests (XEP-0356 §4.1, §6.1).
enum class IqTypes : std::uint8_t { kNone = 0, kGet = 1, kSet = 2, kBoth = 3 };
bool includes(IqTypes types, bool is_set) noexcept;
// As they are written: "none", "get", "set", "both".
std::string_view to_string(IqTypes types) noexcept;

// XEP-0356 §7.1
enum class PresenceAccess : std::uint8_t { kNone, kManagedEntity, kRoster };

struct IqAccess {
  std::string ns;
  IqTypes types = IqTypes::kNone;
  friend bool operator==(const IqAccess&, const IqAccess&) = default;
};

struct Privileges {
  IqTypes roster = IqTypes::kNone;
  bool push = true;  // see pushes()
  bool message = false;
  PresenceAccess presence = PresenceAccess::kNone;
  std::vector<IqAccess> iq;

  bool any() const noexcept;
  // XEP-0356 §4.1: no pushes to who may not read.
  bool pushes() const noexcept { return push && includes(roster, false); }
  // What it may ask in a user's name with payloads of this namespace.
  IqTypes iq_types(std::string_view ns) const noexcept;
  friend bool operator==(const Privileges&, const Privileges&) = default;
};

// XEP-0355 §4.1
struct Delegation {
  std::string ns;
  std::vector<std::string> attributes;  // the payload must have all of them
  friend bool operator==(const Delegation&, const Delegation&) = default;
};
using Delegations = std::vector<Delegation>;

// XEP-0356 §4.2, §5.2, §6.2, §7.2: what a host tells the component. `all`: also what it may not,
// for one that had more before.
xml::Element write_privileges(const Privileges& privileges, bool all);
// XEP-0355 §4.2
xml::Element write_delegations(const Delegations& delegations);

// A component that may do more than others at a host.
struct TrustedComponent {
  Jid domain;
  Privileges privileges;
  Delegations delegations;
};

// The host that a component belongs to: the nearest one above its domain. Empty: it is below none,
// and belongs to all of them.
template <class IsHost>
std::string_view host_above(std::string_view component, IsHost is_host) {
  for (std::size_t dot = 0; (dot = component.find('.')) != std::string_view::npos;) {
    component.remove_prefix(dot + 1);
    if (is_host(component)) return component;
  }
  return {};
}

class TrustTable {
 public:
  using Components = std::vector<std::shared_ptr<const TrustedComponent>>;
  // What a host grants: a module that is off there grants nothing.
  struct Grants {
    std::string host;
    bool privileges = false;
    bool delegations = false;
  };

  void set(const std::vector<ComponentSetup>& setups, const std::vector<Grants>& hosts);

  // Those that the host's users are entrusted to.
  const Components& at(std::string_view host) const noexcept;
  // Null: this component is like any other there.
  const TrustedComponent* find(std::string_view component, std::string_view host) const noexcept;
  // The hosts at which it is more than others, sorted.
  std::vector<std::string> hosts_of(std::string_view component) const;
  // Whether somebody is told of the presence of contacts of the host's users.
  bool watches_contacts(std::string_view host) const noexcept;
  // Who answers requests with this payload, looked up as being of `ns`; null: the host itself.
  const TrustedComponent* delegate(std::string_view host, std::string_view ns,
                                   xml::ElementView payload) const noexcept;

 private:
  std::map<std::string, Components, std::less<>> hosts_;
};

}  // namespace balcony::router

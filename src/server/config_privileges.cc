#include "server/config_privileges.h"

#include "router/privileges.h"
#include "server/config_section.h"
#include "stanza/ns.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace balcony::server {
namespace {

using router::IqTypes;
using router::PresenceAccess;

// As they are written; what is used is router::Privileges.
struct WrittenPrivileges {
  std::string roster = "none";
  bool push = true;
  std::string message = "none";
  std::string presence = "none";
};
struct WrittenAccess {
  std::string ns;
  std::string type;
};

IqTypes types_of(std::string_view text) {
  if (text == "get") return IqTypes::kGet;
  if (text == "set") return IqTypes::kSet;
  return text == "both" ? IqTypes::kBoth : IqTypes::kNone;
}

// What is spoken before a client has a session, or is nobody's but the server's (XEP-0355 §8, fifth
// rule: not delegation itself).
constexpr std::array kNeverDelegated = {
    ns::kDelegation, ns::kPrivilege, ns::kBind,    ns::kBind2,  ns::kSasl,
    ns::kSasl2,      ns::kTls,       ns::kSession, ns::kStream, ns::kStreamManagement,
    ns::kStreams,    ns::kStanzas,   ns::kCarbons,
};

bool is_never_delegated(std::string_view ns) {
  return std::ranges::find(kNeverDelegated, ns) != kNeverDelegated.end();
}

bool is_disco(std::string_view ns) {
  return ns == ns::kDiscoInfo || ns == ns::kDiscoItems;
}

void read_iq_access(const ConfigNode& node, const std::string& path, router::Privileges& privileges,
                    ConfigProblems& problems) {
  const ConfigNode::Array* entries = node.array();
  if (!entries) {
    problems.add(node.place,
                 path + R"( must be a list such as [{ namespace = "…", type = "get" }])");
    return;
  }
  for (const ConfigNode& entry : *entries) {
    WrittenAccess written;
    read_section(entry, iq_access_options(), &written, "an entry of " + path, path + ": ", {},
                 problems);
    if (!entry.table()) continue;
    if (written.ns.empty() || written.type.empty()) {
      problems.add(entry.place, path + ": namespace and type are both needed");
    } else if (written.ns == ns::kPrivilege || written.ns == ns::kDelegation) {
      problems.add(entry.place, path + ": nobody asks in a user's name with " + written.ns);
    } else if (std::ranges::find(privileges.iq, written.ns, &router::IqAccess::ns) !=
               privileges.iq.end()) {
      problems.add(entry.place, path + ": \"" + written.ns + "\" stands there twice");
    } else {
      privileges.iq.push_back({written.ns, types_of(written.type)});
    }
  }
}

void read_privilege(const ConfigNode& node, const std::string& path, router::Privileges& privileges,
                    ConfigProblems& problems) {
  WrittenPrivileges written;
  read_section(node, privilege_options(), &written, path, path + '.', {"iq"}, problems);
  if (!node.table()) return;
  privileges.roster = types_of(written.roster);
  privileges.push = written.push;
  privileges.message = written.message == "outgoing";
  if (written.presence == "managed_entity") privileges.presence = PresenceAccess::kManagedEntity;
  const bool reads = router::includes(privileges.roster, false);
  const ConfigNode::Entry* push = node.find("push");
  if (push && written.push && !reads) {
    // XEP-0356 §4.1
    problems.add(push->node.place, path + ".push needs roster = \"get\" or \"both\"");
  }
  if (written.presence == "roster") {
    // XEP-0356 §7.4: refused without the right to read rosters.
    if (!reads) {
      problems.add(node.find("presence")->node.place,
                   path + ".presence = \"roster\" needs roster = \"get\" or \"both\"");
    }
    privileges.presence = PresenceAccess::kRoster;
  }
  if (const ConfigNode::Entry* iq = node.find("iq")) {
    read_iq_access(iq->node, path + ".iq", privileges, problems);
  }
}

// A namespace, or a table with the attributes that a payload must have.
std::optional<router::Delegation> read_delegation(const ConfigNode& node, const std::string& path,
                                                  ConfigProblems& problems) {
  router::Delegation delegation;
  if (const auto* text = std::get_if<std::string>(&node.value)) {
    delegation.ns = *text;
  } else if (node.table()) {
    static const OptionTable kTable = option_table<router::Delegation>({
        option("namespace", &router::Delegation::ns, "The namespace."),
        option("attributes", &router::Delegation::attributes, "Attributes."),
    });
    read_section(node, kTable, &delegation, "an entry of " + path, path + ": ", {}, problems);
  }
  if (delegation.ns.empty()) {
    problems.add(node.place, path +
                                 ": each entry is a namespace, or { namespace = \"…\", "
                                 "attributes = [\"…\"] }");
    return std::nullopt;
  }
  if (is_never_delegated(delegation.ns)) {
    problems.add(node.place, path + ": \"" + delegation.ns + "\" cannot be delegated");
    return std::nullopt;
  }
  if (is_disco(delegation.ns)) {
    problems.add(node.place, path +
                                 ": service discovery is delegated for accounts' nodes only, as "
                                 "\"" +
                                 std::string(ns::kDelegatedInfo) + "\" or \"" +
                                 std::string(ns::kDelegatedItems) + '"');
    return std::nullopt;
  }
  return delegation;
}

void read_delegate(const ConfigNode& node, const std::string& path,
                   router::Delegations& delegations, ConfigProblems& problems) {
  const ConfigNode::Array* entries = node.array();
  if (!entries) return problems.add(node.place, path + " must be a list of namespaces");
  for (const ConfigNode& entry : *entries) {
    auto delegation = read_delegation(entry, path, problems);
    if (!delegation) continue;
    if (std::ranges::find(delegations, delegation->ns, &router::Delegation::ns) !=
        delegations.end()) {
      problems.add(entry.place, path + ": \"" + delegation->ns + "\" stands there twice");
    } else {
      delegations.push_back(*std::move(delegation));
    }
  }
}

// Whether there is a host that both belong to.
bool share_a_host(const Config& config, std::string_view a, std::string_view b) {
  const auto above = [&config](std::string_view domain) {
    return router::host_above(domain, [&config](std::string_view name) {
      return std::ranges::find(config.hosts, name, &HostConfig::domain) != config.hosts.end();
    });
  };
  return above(a).empty() || above(b).empty() || above(a) == above(b);
}

}  // namespace

const std::vector<std::string>& privilege_keys() {
  static const std::vector<std::string> kKeys = {"privilege", "delegate"};
  return kKeys;
}

const OptionTable& privilege_options() {
  using W = WrittenPrivileges;
  static const OptionTable kTable = option_table<W>({
      option("roster", &W::roster, "Whether it may read users' rosters, change them, or both.",
             {"none", "get", "set", "both"}),
      option("push", &W::push, "Whether it is told of each change of a roster that it may read."),
      option("message", &W::message,
             "Whether it may send messages in the name of the host and its users.",
             {"none", "outgoing"}),
      option("presence", &W::presence,
             "Whose presence it is told: that of users, or also that of their contacts; the "
             "latter for who may read rosters only.",
             {"none", "managed_entity", "roster"}),
  });
  return kTable;
}

const OptionTable& iq_access_options() {
  using W = WrittenAccess;
  static const OptionTable kTable = option_table<W>({
      option("namespace", &W::ns, "The namespace of the request's payload."),
      option("type", &W::type, "The type of request.", {"get", "set", "both"}),
  });
  return kTable;
}

void read_privileges(const ConfigNode& component_node, const std::string& path,
                     ComponentConfig& component, ConfigProblems& problems) {
  if (const ConfigNode::Entry* privilege = component_node.find("privilege")) {
    read_privilege(privilege->node, path + "privilege", component.privileges, problems);
  }
  if (const ConfigNode::Entry* delegate = component_node.find("delegate")) {
    read_delegate(delegate->node, path + "delegate", component.delegations, problems);
  }
}

void check_delegations(const ConfigNode& components, const Config& config,
                       ConfigProblems& problems) {
  for (auto one = config.components.begin(); one != config.components.end(); ++one) {
    for (auto other = config.components.begin(); other != one; ++other) {
      for (const router::Delegation& delegation : one->delegations) {
        const bool twice = std::ranges::find(other->delegations, delegation.ns,
                                             &router::Delegation::ns) != other->delegations.end();
        if (!twice || !share_a_host(config, one->domain, other->domain)) continue;
        problems.add(components.place, "\"" + delegation.ns + "\" is delegated to both " +
                                           other->domain + " and " + one->domain);
      }
    }
  }
}

}  // namespace balcony::server

// Shared groups: contacts that the configuration puts into the rosters of all members of a group,
// with subscriptions in both directions (RFC 6121 §2.1.2). Nobody changes such an item, and nothing
// of it is stored: it is laid over what is stored when a user is loaded.
#include "base/log.h"
#include "base/siphash.h"
#include "modules/modules.h"
#include "xml/writer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::modules {
namespace {

using router::RosterItem;
using router::User;

struct SharedGroupsOptions {
  std::vector<std::string> groups;
  std::size_t members_max = 1'000;
};

struct Group {
  std::string name;
  bool everybody = false;
  std::vector<Jid> members;
};
using Groups = std::vector<Group>;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "Crew: romeo@example.org, juliet@example.org" or "Staff: *". Addresses may have colons, names of
// groups may not.
Result<Group> read_group(std::string_view text, const Jid& host) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fail(Errc::kConfig, "there is no colon in it");
  Group group;
  group.name = trimmed(text.substr(0, colon));
  if (group.name.empty()) return fail(Errc::kConfig, "the group has no name");
  std::string_view rest = trimmed(text.substr(colon + 1));
  if (rest == "*") {
    group.everybody = true;
    return group;
  }
  while (!rest.empty()) {
    const std::string_view one = trimmed(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
    BALCONY_ASSIGN(Jid member, Jid::parse(one));
    if (member.is_full() || !member.has_local() || member.domain() != host.domain()) {
      return fail(Errc::kConfig, member.str() + " is no account of " + host.str());
    }
    group.members.push_back(std::move(member));
  }
  return group;
}

Groups read_groups(const std::vector<std::string>& texts, const Jid& host) {
  Groups groups;
  for (const std::string& text : texts) {
    if (auto group = read_group(text, host)) {
      groups.push_back(*std::move(group));
    } else {
      log_error("no shared group",
                {{"host", host.str()}, {"group", text}, {"error", group.error().to_string()}});
    }
  }
  return groups;
}

Task<Result<std::vector<Jid>>> all_accounts(Server& server, std::size_t max) {
  std::vector<Jid> all;
  std::string host(server.host().domain());
  std::string from_the_first;
  BALCONY_CO_ASSIGN(const auto page,
                    co_await server.store().accounts(std::move(host), std::move(from_the_first),
                                                     static_cast<std::uint32_t>(max)));
  for (const storage::Account& account : page) {
    if (auto jid = Jid::make(account.user, server.host().domain())) all.push_back(*std::move(jid));
  }
  co_return all;
}

// The item as the user has it, if he has, with what everybody has.
void lay_over(router::Roster& roster, const Jid& contact, const std::vector<std::string>& names) {
  RosterItem& item = roster.get_or_add(contact);
  std::vector<std::string> groups = names;
  for (const std::string_view own : item.groups()) groups.emplace_back(own);
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  const std::string name(item.name().empty() ? contact.local() : item.name());
  item.set_label(name, std::move(groups));
  item.state = {.to = true, .from = true};
  item.clear_request();
  item.listed = item.shared = true;
}

Task<Result<>> load_groups(Server& server, std::shared_ptr<const Groups> groups, std::size_t max,
                           std::shared_ptr<User> user) {
  std::map<Jid, std::vector<std::string>> contacts;
  for (const Group& group : *groups) {
    std::vector<Jid> members = group.members;
    if (group.everybody) {
      BALCONY_CO_ASSIGN(members, co_await all_accounts(server, max));
    }
    if (std::ranges::find(members, user->bare) == members.end()) continue;
    for (const Jid& member : members) {
      if (member != user->bare) contacts[member].push_back(group.name);
    }
  }
  std::string whole;
  for (const auto& [contact, names] : contacts) {
    lay_over(user->roster, contact, names);
    whole += xml::to_string(write_item(*user->roster.find(contact)));
  }
  user->roster.shrink();
  // Of a fixed key: the same after a restart, so that clients need not fetch their rosters anew.
  user->roster.shared_mark = whole.empty() ? 0 : siphash24(SipKey{0, 0}, whole) | 1U;
  co_return Result<>{};
}

void attach_shared_groups(Registrar& on, Server& server, const SharedGroupsOptions& options) {
  const auto groups = std::make_shared<const Groups>(read_groups(options.groups, server.host()));
  if (groups->empty()) return;
  on.on_load_user([&server, &options, groups](std::shared_ptr<User> user) {
    return load_groups(server, groups, options.members_max, std::move(user));
  });
}

}  // namespace

extern const ModuleSpec rfc_6121_shared_groups = router::module<SharedGroupsOptions>(
    "shared_groups", {{"RFC 6121", ""}},
    "Puts contacts into the rosters of all members of a group.",
    {option("groups", &SharedGroupsOptions::groups,
            "Groups as \"Name: *\" (all accounts of the host) or \"Name: a@example.org, "
            "b@example.org\". Users see a change when they have all logged out and in again."),
     option("members_max", &SharedGroupsOptions::members_max, 1, 10'000,
            "Accounts that a group of all may have; further ones are not in it.")},
    attach_shared_groups);

}  // namespace balcony::modules

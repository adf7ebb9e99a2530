#include "app/balcony/commands.h"
#include "app/balcony/exit_code.h"
#include "app/balcony/output.h"

#include <nlohmann/json.hpp>

namespace balcony::cli {
namespace {
Task<Result<>> rename(Client& client, Jid jid, std::string name) {
  BALCONY_CO_ASSIGN(const std::vector<RosterItem> items, co_await client.roster());
  for (const RosterItem& item : items) {
    if (item.jid != jid) continue;
    RosterItem renamed(jid, std::move(name), item.groups);
    co_return co_await client.set_roster_item(std::move(renamed));
  }
  co_return fail(Errc::kItemNotFound,
                 jid.str() + " is not in the roster; balcony roster add takes it in");
}

}  // namespace

Task<int> roster(Client& client, Globals globals, RosterArguments arguments) {
  if (arguments.action == RosterArguments::Action::kList) {
    const auto items = co_await client.roster();
    if (!items) co_return report(items.error());
    for (const RosterItem& item : *items) {
      globals.json ? say_json(to_json(item)) : say(to_line(item));
    }
    co_return kOk;
  }
  const auto jid = address_or(arguments.jid, client.jid());
  if (!jid) co_return report(jid.error());
  Result<> done;
  if (arguments.action == RosterArguments::Action::kAdd) {
    RosterItem item(*jid, std::move(arguments.name), std::move(arguments.groups));
    done = co_await client.set_roster_item(std::move(item));
    // RFC 6121 §3.1.1: an entry alone shows nobody's presence.
    if (done) done = client.send_presence_to(jid->bare(), "subscribe");
  } else if (arguments.action == RosterArguments::Action::kRename) {
    done = co_await rename(client, *jid, std::move(arguments.name));
  } else {
    done = co_await client.remove_roster_item(*jid);
  }
  if (!done) co_return report(done.error());
  co_return kOk;
}

}  // namespace balcony::cli

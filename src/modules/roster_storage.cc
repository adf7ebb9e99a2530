#include "modules/roster_storage.h"

#include "base/log.h"
#include "stanza/ns.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace balcony::modules {

using router::RosterItem;
using router::Server;
using router::User;

namespace {

constexpr std::string_view kRosterStore = "roster";
constexpr std::string_view kVersionStore = "roster_version";
constexpr std::string_view kVersionKey = "version";
constexpr std::uint32_t kPageItems = 1'000;

struct LatestChange {
  storage::Ticket ticket = 0;
};
const router::SlotKey<LatestChange> kLatestChange;

std::uint64_t next_version(Server& server, const User& user) {
  // The time, so that no number comes twice: neither when a commit fails, nor when an account is
  // removed and made again while a client still has its old roster.
  const auto now = server.clock().wall().time_since_epoch().count();
  return std::max(user.roster.version + 1, static_cast<std::uint64_t>(now));
}

// RFC 6121 §2.1.6: one push for all interested resources.
std::shared_ptr<const Stanza> make_push(Server& server, const User& user, const Jid& contact) {
  auto push = std::make_shared<Stanza>(StanzaKind::kIq, StanzaType::kSet);
  push->set_id(server.random().token(9));
  xml::ElementRef query = push->edit().append(ns::kRoster, "query");
  query.set("ver", user.roster.version_text());
  const RosterItem* item = user.roster.find(contact);
  if (item && item->is_visible()) {
    query.append(write_item(*item));
  } else {
    query.append("item").set("jid", contact.bare_str()).set("subscription", "remove");
  }
  return push;
}

void send_push(const User& user, const Stanza& push) {
  for (const auto& resource : user.resources) {
    if (resource->interested) resource->endpoint->deliver(push, resource->jid.str());
  }
}

}  // namespace

Task<Result<>> load_roster(Server& server, std::shared_ptr<User> user) {
  const std::string owner = user->bare.str();
  std::string after;
  for (bool more = true; more;) {
    BALCONY_CO_ASSIGN(
        const auto page,
        co_await server.store().scan(owner, std::string(kRosterStore), "", after, kPageItems));
    for (const storage::MapEntry& entry : page) {
      if (auto item = router::load_item(entry.value.value)) {
        user->roster.put(*std::move(item));
      } else {
        log_error("roster item cannot be read",
                  {{"jid", owner}, {"item", entry.key}, {"error", item.error().to_string()}});
      }
    }
    more = page.size() == kPageItems;
    if (more) after = page.back().key;
  }
  user->roster.shrink();

  BALCONY_CO_ASSIGN(
      const auto version,
      co_await server.store().get(owner, std::string(kVersionStore), std::string(kVersionKey)));
  if (version) {
    const std::string& text = version->value;
    std::from_chars(text.data(), text.data() + text.size(), user->roster.version);
  }
  co_return Result<>{};
}

storage::Ticket store_change(Server& server, User& user, const Jid& contact, Push push) {
  const std::string owner = user.bare.str();
  const std::string key(contact.bare_str());
  storage::Batch batch;
  if (const RosterItem* item = user.roster.find(contact)) {
    batch.add(owner, storage::op::Put{std::string(kRosterStore), key, store_item(*item)});
  } else {
    batch.add(owner, storage::op::Erase{std::string(kRosterStore), key});
  }
  if (push == Push::kYes) {
    user.roster.version = next_version(server, user);
    batch.add(owner, storage::op::Put{std::string(kVersionStore), std::string(kVersionKey),
                                      std::to_string(user.roster.version)});
  }
  const storage::Ticket ticket = server.commit(user, std::move(batch));
  user.slots.get(kLatestChange).ticket = ticket;
  if (push == Push::kYes) {
    when_stored(server, user, [&server, made = make_push(server, user, contact)](User& u) {
      send_push(u, *made);
      server.events().fire(router::RosterPushed{u, *made});
    });
  }
  return ticket;
}

storage::Ticket latest_change(const User& user) {
  const LatestChange* latest = user.slots.find(kLatestChange);
  return latest ? latest->ticket : 0;
}

void when_stored(Server& server, User& user, std::function<void(User&)> then,
                 std::function<void(const Error&)> otherwise) {
  const storage::Ticket ticket = latest_change(user);
  if (ticket == 0) return then(user);
  server.store().when(ticket, [&server, bare = user.bare, then = std::move(then),
                               otherwise = std::move(otherwise)](const Result<>& outcome) {
    if (!outcome) {
      if (otherwise) otherwise(outcome.error());
      return;
    }
    // An earlier commit may have failed, and the user be loaded anew.
    server.with_user(bare, [then](const std::shared_ptr<User>& loaded) {
      if (loaded) then(*loaded);
    });
  });
}

void when_ready(Server& server, User& user, std::function<void(User&)> then) {
  if (user.state == User::State::kReady) return then(user);
  server.with_user(user.bare, [then = std::move(then)](const std::shared_ptr<User>& loaded) {
    if (loaded) then(*loaded);
  });
}

std::size_t own_items(const router::Roster& roster) {
  return static_cast<std::size_t>(std::ranges::count_if(
      roster.items(), [](const RosterItem& i) { return i.is_visible() && !i.shared; }));
}

std::size_t visible_items(const router::Roster& roster) {
  return static_cast<std::size_t>(
      std::ranges::count_if(roster.items(), [](const RosterItem& i) { return i.is_visible(); }));
}

}  // namespace balcony::modules

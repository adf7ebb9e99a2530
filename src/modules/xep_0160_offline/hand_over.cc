#include "modules/xep_0160_offline/hand_over.h"

#include "base/log.h"
#include "modules/xep_0160_offline/archived.h"
#include "modules/xep_0160_offline/behind.h"
#include "modules/xep_0160_offline/mailbox.h"
#include "stanza/ns.h"
#include "xml/parser.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::SlotKey;
using router::User;
using std::chrono_literals::operator""ms;

constexpr std::uint32_t kPageRows = 50;
constexpr std::uint32_t kSlowPageRows = 10;  // to a client that was waited for
constexpr auto kLookAgain = 250ms;           // whether there is room in a stream that had none

// Of the session that gets the messages: it outlives a reload of its user and nothing else. One
// session of a user has it at a time.
struct Delivery {
  std::shared_ptr<bool> running;  // one for each run; null: none
  std::string last;               // the id of the last row that this run has seen
  bool slow = false;
};
const SlotKey<Delivery> kDelivery;

// Of a session that was bound inline: messages with smaller ids it finds in the archive, and wants
// none that the archive has.
const SlotKey<std::string> kInArchive;

Delivery* running_to(const ConnectedResource& to) {
  Delivery* delivery = to.slots.find(kDelivery);
  return delivery && delivery->running ? delivery : nullptr;
}

// The session that gets messages now; else null.
const ConnectedResource* receiver(const User& user) {
  for (const auto& resource : user.resources) {
    if (running_to(*resource)) return resource.get();
  }
  return nullptr;
}

// RFC 6121 §8.5.2.1.1: a resource with negative priority gets nothing that was for the account.
bool may_have_messages(const ConnectedResource& resource) {
  return resource.available && resource.priority >= 0;
}

void let_go(Server& server, User& user) {
  // Another session may begin meanwhile to get stored messages: its end lets them go.
  let_go_behind(server, user, [](const User& later) { return !receiver(later); });
}

void deliver(ConnectedResource& to, Mailbox& mailbox, const storage::ArchiveRow& row) {
  auto element = xml::parse(row.stanza);
  auto stanza = element ? Stanza::make(*element) : Result<Stanza>(fail(element.error()));
  if (stanza) {
    stanza->set_receipt(mailbox.hand_out(row.id, row.stanza.size()));
    return to.endpoint->deliver(*stanza);
  }
  // docs/security.md: what cannot be read is skipped and told, never fatal.
  log_error("offline message cannot be read",
            {{"jid", to.jid.str()}, {"id", row.id}, {"error", stanza.error().to_string()}});
  mailbox.drop(row.id, row.stanza.size());
}

// One run: until everything is handed over, or its session has no room: then it goes on as another
// task, for nobody's end should wait for a client that reads slowly.
class HandOver {
 public:
  HandOver(Server& server, std::shared_ptr<User> user, Jid to, std::shared_ptr<bool> run)
      : server_(server), user_(std::move(user)), jid_(std::move(to)), run_(std::move(run)) {}

  Task<> operator()() {
    while (session()) {
      const auto outcome = co_await page();
      if (outcome && *outcome == Page::kMore) continue;
      if (outcome && *outcome == Page::kNoRoom) co_return look_later(server_, user_, jid_, run_);
      if (!outcome) {
        log_error("offline messages stay where they are",
                  {{"jid", user_->bare.str()}, {"error", outcome.error().to_string()}});
      }
      break;
    }
    if (ConnectedResource* to = session()) {
      to->slots.get(kDelivery).running = nullptr;
      if (!may_have_messages(*to)) start_hand_over(server_, *user_, to);
      let_go(server_, *user_);
    }
  }

 private:
  using Ids = std::set<std::string>;
  enum class Page : std::uint8_t { kMore, kNoRoom, kLast };

  // The session, as long as this is the run that it waits for: after each wait it may be gone, and
  // another have its name.
  static ConnectedResource* session_of(const User& user, const Jid& jid,
                                       const std::shared_ptr<bool>& run) {
    ConnectedResource* to = user.find(jid.resource());
    const Delivery* delivery = to ? running_to(*to) : nullptr;
    return delivery && delivery->running == run ? to : nullptr;
  }
  ConnectedResource* session() const { return session_of(*user_, jid_, run_); }

  Task<Result<Page>> page() {
    const Delivery& begun = session()->slots.get(kDelivery);
    const std::shared_ptr<Mailbox> mailbox = user_->slots.get(kMailbox);
    if (!mailbox) co_return Page::kLast;
    const std::shared_ptr<Mailbox::Counts> counts = mailbox->counts();
    const std::uint64_t kept = counts->kept;
    const bool is_first = begun.last.empty();
    storage::ArchiveQuery query;
    query.limit = begun.slow ? kSlowPageRows : kPageRows;
    query.after = begun.last;
    BALCONY_CO_ASSIGN(const storage::ArchivePage found,
                      co_await server_.store().page(user_->bare.str(), std::string(kOfflineStore),
                                                    std::move(query)));
    if (!found.rows.empty()) {
      const Ids archived = co_await archived_among(found, *mailbox);
      co_return hand_over(*mailbox, found, archived);
    }
    // What was counted too high is right again.
    if (is_first && !mailbox->has_out() && counts->kept == kept) *counts = {0, 0, kept};
    co_return Page::kLast;
  }

  // Which of these rows the session finds in the archive.
  Task<Ids> archived_among(const storage::ArchivePage& found, const Mailbox& mailbox) {
    Ids archived;
    const ConnectedResource* to = session();
    const std::string* slot = to ? to->slots.find(kInArchive) : nullptr;
    const std::string position = slot ? *slot : std::string();
    for (const storage::ArchiveRow& row : found.rows) {
      if (row.id >= position) break;
      if (mailbox.is_out(row.id)) continue;
      const auto is = co_await is_archived(server_.store(), user_->bare, row.stanza);
      if (is && *is) archived.insert(row.id);
      if (is) continue;
      // They come twice rather than not at all.
      log_error("offline messages cannot be compared with the archive",
                {{"jid", user_->bare.str()}, {"error", is.error().to_string()}});
      break;
    }
    co_return archived;
  }

  Page hand_over(Mailbox& mailbox, const storage::ArchivePage& found, const Ids& archived) {
    ConnectedResource* to = session();
    if (!to || !may_have_messages(*to)) return Page::kLast;
    Delivery& delivery = to->slots.get(kDelivery);
    delivery.slow = false;
    for (const storage::ArchiveRow& row : found.rows) {
      if (archived.contains(row.id) && !mailbox.is_out(row.id)) {
        mailbox.drop(row.id, row.stanza.size());
      } else if (!mailbox.is_out(row.id)) {
        if (!to->endpoint->has_room()) return Page::kNoRoom;
        deliver(*to, mailbox, row);
      }
      delivery.last = row.id;
    }
    return Page::kMore;
  }

  static void look_later(Server& server, std::weak_ptr<User> weak, Jid jid,
                         std::shared_ptr<bool> run) {
    Loop& loop = server.loop();
    loop.after(kLookAgain,
               [&server, weak = std::move(weak), jid = std::move(jid), run = std::move(run)] {
                 const auto user = weak.lock();
                 ConnectedResource* to = user ? session_of(*user, jid, run) : nullptr;
                 if (!to) return;
                 const bool is_loaded = user->state == User::State::kReady;
                 if (is_loaded) store_behind(server, *user, *to);
                 if (!is_loaded || !to->endpoint->has_room())
                   return look_later(server, user, jid, run);
                 to->slots.get(kDelivery).slow = true;
                 server.spawn(user, begin(server, user, jid, run));
               });
  }

 public:
  static Task<> begin(Server& server, std::shared_ptr<User> user, Jid to,
                      std::shared_ptr<bool> run) {
    HandOver work(server, std::move(user), std::move(to), std::move(run));
    co_await work();
  }

 private:
  Server& server_;
  std::shared_ptr<User> user_;
  const Jid jid_;
  const std::shared_ptr<bool> run_;
};

// The session that gets messages goes, or may have them no more: its run ends, and another takes
// over from what is left.
void pass_on(Server& server, ConnectedResource& from) {
  Delivery* delivery = running_to(from);
  if (!delivery) return;
  delivery->running = nullptr;
  start_hand_over(server, *from.user, &from);
  let_go(server, *from.user);
}

// XEP-0160 §2 step 5 names presence with a non-negative priority, not only the initial one. The
// presence is still to be handled: what comes of it is seen at the end of the turn.
void look_again(Server& server, const ConnectedResource& sender) {
  const Jid jid = sender.jid;
  server.loop().post([&server, jid] {
    const auto user = server.loaded_user(jid);
    ConnectedResource* resource = user ? user->find(jid.resource()) : nullptr;
    if (!resource) return;
    if (may_have_messages(*resource)) {
      start_hand_over(server, *user);
    } else {
      pass_on(server, *resource);
    }
  });
}

// XEP-0386 §3.2: a client that binds inline finds in the archive what waited until then. It is not
// given to it, and is gone once it has come for messages; one that never does (it only sends)
// leaves them to other clients.
void bound_inline(Server& server, router::InlineBound& event) {
  if (!std::ranges::binary_search(server.account_features(), ns::kMam)) return;  // there is none
  event.resource.slots.get(kInArchive) = storage::archive_id(server.clock().wall());
}

}  // namespace

void start_hand_over(Server& server, User& user, const ConnectedResource* except) {
  const auto* mailbox = user.slots.find(kMailbox);
  if (!mailbox || !*mailbox) return;
  (*mailbox)->retry();
  if (!(*mailbox)->has_waiting() || (receiver(user) && receiver(user) != except)) return;
  ConnectedResource* to = nullptr;
  for (const auto& resource : user.resources) {
    if (resource.get() == except || !may_have_messages(*resource)) continue;
    // One that waits for its client (XEP-0198 §5) only if there is no other.
    const bool is_better = to && !to->endpoint.is_connected() && resource->endpoint.is_connected();
    if (!to || is_better) to = resource.get();
  }
  const auto kept = server.loaded_user(user.bare);
  if (!to || !kept) return;
  const auto run = std::make_shared<bool>(true);
  to->slots.get(kDelivery) = {run, "", false};
  server.spawn(kept, HandOver::begin(server, kept, to->jid, run));
}

void attach_hand_over(Registrar& on, Server& server) {
  on.on<router::InlineBound>([&server](router::InlineBound& event) {
    bound_inline(server, event);
    return Flow::kContinue;
  });
  // Last: what others refuse does not wait.
  on.on<router::StanzaIncoming>(Priority::kLast, [&server](router::StanzaIncoming& event) {
    return hold_behind(server, event, receiver(event.user));
  });
  on.on<router::ResourceAvailable>(Priority::kLate, [&server](router::ResourceAvailable& event) {
    if (may_have_messages(event.resource)) start_hand_over(server, *event.resource.user);
    return Flow::kContinue;
  });
  on.on<router::PresenceOutgoing>(Priority::kEarly, [&server](router::PresenceOutgoing& event) {
    const ConnectedResource& sender = event.sender;
    const bool subsequent = sender.available && event.stanza.type() == StanzaType::kAvailable;
    if (subsequent && sender.user->slots.find(kMailbox)) look_again(server, sender);
    return Flow::kContinue;
  });
  on.on<router::ResourceUnavailable>(Priority::kLate, [&server](router::ResourceUnavailable& e) {
    pass_on(server, e.resource);
    return Flow::kContinue;
  });
  on.on<router::SessionEnding>(Priority::kLate, [&server](router::SessionEnding& event) {
    pass_on(server, event.resource);
    return Flow::kContinue;
  });
}

}  // namespace balcony::modules

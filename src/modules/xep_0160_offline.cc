// XEP-0160: offline messages: kept for a user who has no resource to read them, and given to the
// first that has.
#include "base/log.h"
#include "modules/modules.h"
#include "modules/offline_archived.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::MessageUndelivered;
using router::ResourceAvailable;
using router::SlotKey;
using router::User;

constexpr std::string_view kStore = "offline";
constexpr std::uint32_t kPageRows = 50;
constexpr std::uint32_t kLoadRows = 200;  // to learn the size of a mailbox

// What waits behind a delivery in memory; a page is delivered in some ms.
constexpr std::size_t kBehindMax = 500;
constexpr std::size_t kBehindBytesMax = 1024 * 1024;

struct OfflineOptions {
  std::int64_t messages_max = 1'000;
  // All of it is handed to one stream: less than its queues hold.
  Bytes size_max{2 * 1024 * 1024};
};

// What is in memory of the store, so that an empty one costs a login nothing. When the user is
// loaded anew the slot gets another Mailbox, and a delivery that is under way changes the old one:
// `messages` and
// `bytes` may be too high afterwards, never too low.
struct Mailbox {
  std::int64_t messages = 0;
  std::uint64_t bytes = 0;  // of their XML
  std::uint64_t kept = 0;   // how many came since it was loaded

  void take_out(const std::vector<storage::ArchiveRow>& rows);
};
const SlotKey<std::shared_ptr<Mailbox>> kMailbox;

// Of the session that gets the messages: it outlives a reload of its user and nothing else. One
// session of a user has it at a time.
struct Delivery {
  std::shared_ptr<bool> running;  // one for each run; null: none
  std::string last;               // the id of the last message that it got
  bool erased = true;             // whether everything up to `last` is gone from the store
};
const SlotKey<Delivery> kDelivery;

// Of a session that was bound inline: of messages with smaller ids it wants none that the archive
// has. Empty once they are gone.
const SlotKey<std::string> kInArchive;

// Of a user: what came for him while stored messages were being delivered.
struct Behind {
  std::deque<Stanza> stanzas;
  std::size_t bytes = 0;
};
const SlotKey<std::shared_ptr<Behind>> kBehind;

Mailbox& mailbox_of(User& user) {
  auto& slot = user.slots.get(kMailbox);
  if (!slot) slot = std::make_shared<Mailbox>();
  return *slot;
}

void Mailbox::take_out(const std::vector<storage::ArchiveRow>& rows) {
  std::uint64_t size = 0;
  for (const storage::ArchiveRow& row : rows) size += row.stanza.size();
  messages = std::max<std::int64_t>(0, messages - static_cast<std::int64_t>(rows.size()));
  bytes -= std::min(bytes, size);
}

// XEP-0160 §3: only chat states (XEP-0085), with whatever says how the message is to be treated.
bool only_chat_states(xml::ElementView message) {
  bool any = false;
  for (const xml::ElementView child : message.children()) {
    if (child.is(ns::kHints, "store")) return false;  // XEP-0334 §4.4
    if (child.ns() == ns::kChatStates) {
      any = true;
    } else if (child.ns() != ns::kStanzaId && child.ns() != ns::kHints &&
               child.ns() != ns::kDelay && !child.is(ns::kClient, "thread")) {
      return false;
    }
  }
  return any;
}

// §3, by type and content. What is not kept is told to its sender, or nobody misses it.
bool is_kept(const Stanza& message) {
  if (message.type() != StanzaType::kNormal && message.type() != StanzaType::kChat) return false;
  return !message.xml().child(ns::kHints, "no-store");  // XEP-0334 §4.2
}

Flow refuse(MessageUndelivered& event) {
  // §2: a full mailbox is told to the sender.
  event.error = Error(Errc::kServiceUnavailable, "the recipient's mailbox is full");
  return Flow::kStop;
}

Flow keep(Server& server, const OfflineOptions& options, MessageUndelivered& event) {
  if (only_chat_states(event.stanza.xml())) return Flow::kStop;  // nobody misses it
  if (!is_kept(event.stanza)) return Flow::kContinue;
  Mailbox& mailbox = mailbox_of(event.user);
  if (mailbox.messages >= options.messages_max) return refuse(event);
  const WallTime now = event.since.value_or(server.clock().wall());
  // One that comes back from a stream may have been here before: then its first time stays. What a
  // sender wrote in the server's name was removed when it came.
  const auto first = event.since ? find_delay(event.stanza.xml(), server.host()) : std::nullopt;
  remove_delays(event.stanza.edit(), server.host());
  const Delay delay(first ? first->stamp : now, server.host(), "Offline Storage");
  event.stanza.edit().append(write_delay(delay));
  storage::ArchiveRow row;
  row.id = storage::archive_id(now);
  row.with = event.stanza.from()->bare_str();
  row.when = now;
  row.stanza = xml::to_string(event.stanza.xml());
  if (mailbox.bytes + row.stanza.size() > options.size_max) return refuse(event);
  ++mailbox.messages;
  ++mailbox.kept;
  mailbox.bytes += row.stanza.size();
  // With what others want to be written of the message: it is kept everywhere or nowhere.
  storage::Batch batch = std::move(event.batch);
  batch.add(event.user.bare.str(), storage::op::Append{std::string(kStore), std::move(row)});
  event.ticket = server.commit(event.user, std::move(batch));
  // A message that could not be kept is not lost silently: its sender is told.
  server.store().when(event.ticket,
                      [&server, message = event.stanza.clone()](const Result<>& outcome) {
                        if (!outcome) server.bounce(message, outcome.error());
                      });
  return Flow::kStop;
}

// ---- what comes meanwhile

bool is_delivering(const User& user) {
  return std::ranges::any_of(user.resources, [](const auto& resource) {
    const Delivery* delivery = resource->slots.find(kDelivery);
    return delivery && delivery->running;
  });
}

// RFC 6120 §10.1: what is sent later does not come earlier. Messages wait behind the stored ones
// of their user, all of them: whom they are from and to would have to be compared else.
Flow hold_behind(router::StanzaIncoming& event) {
  if (!event.stanza.is_message()) return Flow::kContinue;
  const auto* slot = event.user.slots.find(kBehind);
  const bool some_wait = slot && *slot && !(*slot)->stanzas.empty();
  if (!some_wait && !is_delivering(event.user)) return Flow::kContinue;
  std::shared_ptr<Behind>& behind = event.user.slots.get(kBehind);
  if (!behind) behind = std::make_shared<Behind>();
  const std::size_t bytes = xml::to_string(event.stanza.xml()).size();
  if (behind->stanzas.size() >= kBehindMax || behind->bytes + bytes > kBehindBytesMax) {
    event.error = Error(Errc::kResourceConstraint, "too much already waits for this account");
    return Flow::kStop;
  }
  behind->bytes += bytes;
  behind->stanzas.push_back(event.stanza.clone());
  return Flow::kStop;
}

// They go the way that they came. At the end of the turn: a session that is just ending would still
// be found.
void let_go(Server& server, User& user) {
  const auto* slot = user.slots.find(kBehind);
  if (!slot || !*slot) return;
  server.loop().post([&server, bare = user.bare, behind = *slot] {
    const auto loaded = server.loaded_user(bare);
    // Another session began meanwhile to get stored messages: its end lets them go.
    if (loaded && is_delivering(*loaded)) return;
    behind->bytes = 0;
    for (Stanza& stanza : std::exchange(behind->stanzas, {})) server.route(std::move(stanza));
  });
}

void deliver(ConnectedResource& to, const storage::ArchiveRow& row) {
  auto element = xml::parse(row.stanza);
  auto stanza = element ? Stanza::make(*element) : Result<Stanza>(fail(element.error()));
  if (stanza) return to.endpoint->deliver(*stanza);
  // docs/security.md: what cannot be read is skipped and told, never fatal.
  log_error("offline message cannot be read",
            {{"jid", to.jid.str()}, {"id", row.id}, {"error", stanza.error().to_string()}});
}

// RFC 6121 §8.5.2.1.1: a resource with negative priority gets nothing that was for the account.
bool may_have_messages(const ConnectedResource& resource) {
  return resource.available && resource.priority >= 0;
}

// Hands messages over to one session, in pages, oldest first. A page is erased after it was handed
// to the stream, and the next is read when that is durable, so that nothing comes twice to the same
// session whatever the disk does.
class HandOver {
 public:
  HandOver(Server& server, std::shared_ptr<User> user, const ConnectedResource& to,
           std::shared_ptr<bool> run)
      : server_(server), user_(std::move(user)), jid_(to.jid), run_(std::move(run)) {}

  Task<> operator()() {
    co_await leave_to_archive();
    while (session()) {
      const auto more = co_await page();
      if (more && *more) continue;
      if (!more) {
        log_error("offline messages stay where they are",
                  {{"jid", user_->bare.str()}, {"error", more.error().to_string()}});
      }
      break;
    }
    if (ConnectedResource* to = session()) {
      to->slots.get(kDelivery).running = nullptr;
      let_go(server_, *user_);
    }
  }

 private:
  // The session, as long as it may have them and this is the run that it waits for: after each wait
  // it may be gone, and another have its name.
  ConnectedResource* session() const {
    ConnectedResource* to = user_->find(jid_.resource());
    if (!to) return nullptr;
    const Delivery* delivery = to->slots.find(kDelivery);
    return delivery && delivery->running == run_ ? to : nullptr;
  }

  // What the session finds in the archive.
  Task<> leave_to_archive() {
    ConnectedResource* to = session();
    const std::string* slot = to ? to->slots.find(kInArchive) : nullptr;
    if (!slot || slot->empty()) co_return;
    const std::shared_ptr<Mailbox> mailbox = user_->slots.get(kMailbox);
    std::string position = *slot;
    auto erased = co_await erase_archived(server_.store(), user_->bare, std::string(kStore),
                                          std::move(position));
    if (!erased) {
      // They come twice rather than not at all.
      log_error("stored messages cannot be compared with the archive",
                {{"jid", user_->bare.str()}, {"error", erased.error().to_string()}});
      co_return;
    }
    if (mailbox) mailbox->take_out(*erased);
    if (ConnectedResource* still = session()) still->slots.get(kInArchive).clear();
  }

  // One page. Returns whether there may be more.
  Task<Result<bool>> page() {
    const std::shared_ptr<Mailbox> mailbox = user_->slots.get(kMailbox);
    const std::uint64_t kept = mailbox ? mailbox->kept : 0;
    storage::ArchiveQuery query;
    query.limit = kPageRows;
    query.after = session()->slots.get(kDelivery).last;
    BALCONY_CO_ASSIGN(
        const storage::ArchivePage found,
        co_await server_.store().page(user_->bare.str(), std::string(kStore), std::move(query)));
    ConnectedResource* to = session();
    if (!to || !may_have_messages(*to)) co_return false;
    Delivery& delivery = to->slots.get(kDelivery);
    for (const storage::ArchiveRow& row : found.rows) deliver(*to, row);
    if (!found.rows.empty()) {
      delivery.last = found.rows.back().id;
      delivery.erased = false;
    }
    if (delivery.erased) {
      if (mailbox && mailbox->kept == kept) {
        mailbox->messages = 0;
        mailbox->bytes = 0;
      }
      co_return false;
    }
    storage::Batch batch;
    batch.add(user_->bare.str(), storage::op::EraseUpTo{std::string(kStore), delivery.last});
    BALCONY_CO_CHECK(co_await server_.store().write(std::move(batch)));
    if (ConnectedResource* still = session()) still->slots.get(kDelivery).erased = true;
    if (mailbox) mailbox->take_out(found.rows);
    co_return true;
  }

  Server& server_;
  std::shared_ptr<User> user_;
  const Jid jid_;
  const std::shared_ptr<bool> run_;
};

Task<> hand_over(Server& server, std::shared_ptr<User> user, Jid to, std::shared_ptr<bool> run) {
  ConnectedResource* resource = user->find(to.resource());
  if (!resource) co_return;
  HandOver work(server, user, *resource, std::move(run));
  co_await work();
}

// Begins to deliver to the first session that may have messages, unless there are none or another
// session gets them already. `except`: one that is just going.
void start(Server& server, User& user, const ConnectedResource* except = nullptr) {
  const auto* mailbox = user.slots.find(kMailbox);
  if (!mailbox || !*mailbox || (*mailbox)->messages == 0) return;
  ConnectedResource* to = nullptr;
  for (const auto& resource : user.resources) {
    if (resource.get() == except || !may_have_messages(*resource)) continue;
    const Delivery* delivery = resource->slots.find(kDelivery);
    if (delivery && delivery->running) return;
    if (!to) to = resource.get();
  }
  const auto kept = server.loaded_user(user.bare);
  if (!to || !kept) return;
  const auto run = std::make_shared<bool>(true);
  to->slots.get(kDelivery).running = run;
  server.spawn(kept, hand_over(server, kept, to->jid, run));
}

// The session that gets messages goes, or may have them no more: its run ends, and another takes
// over from what is left.
void pass_on(Server& server, ConnectedResource& from) {
  Delivery* delivery = from.slots.find(kDelivery);
  if (!delivery || !delivery->running) return;
  delivery->running = nullptr;
  start(server, *from.user, &from);
  let_go(server, *from.user);
}

// §2 step 5 names presence with a non-negative priority, not only the initial one. The presence is
// still to be handled: what comes of it is seen at the end of the turn.
void look_again(Server& server, const ConnectedResource& sender) {
  const Jid jid = sender.jid;
  server.loop().post([&server, jid] {
    const auto user = server.loaded_user(jid);
    ConnectedResource* resource = user ? user->find(jid.resource()) : nullptr;
    if (!resource) return;
    if (may_have_messages(*resource)) {
      start(server, *user);
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

void attach_delivery(Registrar& on, Server& server) {
  on.on<router::InlineBound>([&server](router::InlineBound& event) {
    bound_inline(server, event);
    return Flow::kContinue;
  });
  // XEP-0203 §5: only the server's own word about its delay is to be believed.
  on.on<router::StanzaIncoming>(Priority::kEarly, [&server](router::StanzaIncoming& event) {
    if (event.stanza.is_message()) remove_delays(event.stanza.edit(), server.host());
    return Flow::kContinue;
  });
  // Last: what others refuse does not wait.
  on.on<router::StanzaIncoming>(Priority::kLast,
                                [](router::StanzaIncoming& event) { return hold_behind(event); });
  on.on<ResourceAvailable>(Priority::kLate, [&server](ResourceAvailable& event) {
    if (may_have_messages(event.resource)) start(server, *event.resource.user);
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

Task<Result<>> load(Server& server, std::shared_ptr<User> user) {
  auto mailbox = std::make_shared<Mailbox>();
  storage::ArchiveQuery query;
  query.limit = kLoadRows;
  for (bool more = true; more;) {
    storage::ArchiveQuery next = query;
    BALCONY_CO_ASSIGN(
        const storage::ArchivePage page,
        co_await server.store().page(user->bare.str(), std::string(kStore), std::move(next)));
    for (const storage::ArchiveRow& row : page.rows) mailbox->bytes += row.stanza.size();
    mailbox->messages += static_cast<std::int64_t>(page.rows.size());
    more = !page.complete && !page.rows.empty();
    if (more) query.after = page.rows.back().id;
  }
  if (mailbox->messages == 0) {
    user->slots.erase(kMailbox);
    co_return Result<>{};
  }
  user->slots.get(kMailbox) = std::move(mailbox);
  // Loaded anew, with sessions: one may have been waiting for what another left.
  if (!user->resources.empty()) {
    server.with_user(user->bare, [&server](const std::shared_ptr<User>& loaded) {
      if (loaded) start(server, *loaded);
    });
  }
  co_return Result<>{};
}

void attach(Registrar& on, Server& server, const OfflineOptions& options) {
  on.feature(ns::kOfflineFeature);  // §4
  on.on_load_user([&server](std::shared_ptr<User> user) { return load(server, std::move(user)); });
  on.on<MessageUndelivered>(Priority::kLate, [&server, &options](MessageUndelivered& event) {
    return keep(server, options, event);
  });
  attach_delivery(on, server);
}

}  // namespace

extern const ModuleSpec xep_0160_offline = router::module<OfflineOptions>(
    "offline", {{"XEP-0160", "1.0.1"}, {"XEP-0203", "2.0"}},
    "Keeps messages for users who are away.",
    {option("messages_max", &OfflineOptions::messages_max, 0, 100'000,
            "Messages that are kept for one user; more are returned to their senders."),
     option("size_max", &OfflineOptions::size_max, Bytes{0}, Bytes{1024ULL * 1024 * 1024},
            "How large they may be together; keep it below limits.output_queue and "
            "stream_management.waiting_bytes, which have to hold all of it.")},
    attach);

}  // namespace balcony::modules

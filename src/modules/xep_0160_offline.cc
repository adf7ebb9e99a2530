// XEP-0160: offline messages: kept for a user who has no resource to read them, and given to the
// first that has.
#include "base/log.h"
#include "modules/modules.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::MessageUndelivered;
using router::ResourceAvailable;
using router::SlotKey;
using router::User;

constexpr std::string_view kStore = "offline";
constexpr std::uint32_t kPageRows = 50;

struct OfflineOptions {
  std::int64_t messages_max = 1'000;
};

// How many messages are stored, loaded with the user: an empty store costs a login nothing.
struct Mailbox {
  std::int64_t messages = 0;
  bool delivering = false;
};
const SlotKey<Mailbox> kMailbox;

bool only_chat_states(xml::ElementView message) {
  bool any = false;
  for (const xml::ElementView child : message.children()) {
    if (child.ns() == ns::kChatStates) {
      any = true;
    } else if (child.ns() != ns::kStanzaId && child.name() != "thread") {
      return false;
    }
  }
  return any;
}

// §3, by type and content. What is not kept is told to its sender, or nobody misses it.
bool is_kept(const Stanza& message) {
  if (message.type() != StanzaType::kNormal && message.type() != StanzaType::kChat) return false;
  // XEP-0334 §4.3
  if (message.xml().child(ns::kHints, "no-store")) return false;
  return !only_chat_states(message.xml());
}

Flow keep(Server& server, const OfflineOptions& options, MessageUndelivered& event) {
  if (only_chat_states(event.stanza.xml())) return Flow::kStop;  // nobody misses it
  if (!is_kept(event.stanza)) return Flow::kContinue;
  Mailbox& mailbox = event.user.slots.get(kMailbox);
  if (mailbox.messages >= options.messages_max) {
    // §2: a full mailbox is told to the sender.
    event.error = Error(Errc::kServiceUnavailable, "the recipient's mailbox is full");
    return Flow::kStop;
  }
  const WallTime now = server.clock().wall();
  // XEP-0203 §4: only the server's own word about its delay is to be believed.
  remove_delays(event.stanza.edit(), server.host());
  event.stanza.edit().append(write_delay(Delay(now, server.host(), "Offline Storage")));
  storage::ArchiveRow row;
  row.id = storage::archive_id(now);
  row.with = event.stanza.from()->bare_str();
  row.when = now;
  row.stanza = xml::to_string(event.stanza.xml());
  storage::Batch batch;
  batch.add(event.user.bare.str(), storage::op::Append{std::string(kStore), std::move(row)});
  ++mailbox.messages;
  event.ticket = server.commit(event.user, std::move(batch));
  // A message that could not be kept is not lost silently: its sender is told.
  server.store().when(event.ticket,
                      [&server, message = event.stanza.clone()](const Result<>& outcome) {
                        if (!outcome) server.bounce(message, outcome.error());
                      });
  return Flow::kStop;
}

void deliver(User& user, std::string_view resource, const storage::ArchiveRow& row) {
  ConnectedResource* to = user.find(resource);
  auto element = xml::parse(row.stanza);
  auto stanza = element ? Stanza::make(*element) : Result<Stanza>(fail(element.error()));
  if (!stanza) {
    // SAFETY 26: what cannot be read is skipped and told, never fatal.
    log_error("offline message cannot be read",
              {{"jid", user.bare.str()}, {"id", row.id}, {"error", stanza.error().to_string()}});
    return;
  }
  if (to) to->endpoint->deliver(*stanza);
}

// In pages, oldest first; each page is removed once it was handed to the stream.
Task<> hand_over(Server& server, std::shared_ptr<User> user, std::string resource) {
  Mailbox* mailbox = &user->slots.get(kMailbox);
  mailbox->delivering = true;
  while (user->find(resource)) {
    storage::ArchiveQuery query;
    query.limit = kPageRows;
    auto page =
        co_await server.store().page(user->bare.str(), std::string(kStore), std::move(query));
    if (!page) {
      log_error("offline messages cannot be read",
                {{"jid", user->bare.str()}, {"error", page.error().to_string()}});
      break;
    }
    mailbox = &user->slots.get(kMailbox);
    if (page->rows.empty()) {
      mailbox->messages = 0;
      break;
    }
    if (!user->find(resource)) break;
    for (const storage::ArchiveRow& row : page->rows) deliver(*user, resource, row);
    storage::Batch batch;
    batch.add(user->bare.str(), storage::op::EraseUpTo{std::string(kStore), page->rows.back().id});
    mailbox->messages -= static_cast<std::int64_t>(page->rows.size());
    server.commit(*user, std::move(batch));
  }
  user->slots.get(kMailbox).delivering = false;
}

void attach(Registrar& on, Server& server, const OfflineOptions& options) {
  on.feature(ns::kOfflineFeature);  // §5
  on.on_load_user([&server](std::shared_ptr<User> user) -> Task<Result<>> {
    return [](Server& at, std::shared_ptr<User> whose) -> Task<Result<>> {
      storage::ArchiveQuery all;
      BALCONY_CO_ASSIGN(
          const std::uint64_t count,
          co_await at.store().count(whose->bare.str(), std::string(kStore), std::move(all)));
      if (count > 0) whose->slots.get(kMailbox).messages = static_cast<std::int64_t>(count);
      co_return Result<>{};
    }(server, std::move(user));
  });
  on.on<MessageUndelivered>(Priority::kLate, [&server, &options](MessageUndelivered& event) {
    return keep(server, options, event);
  });
  on.on<ResourceAvailable>(Priority::kLate, [&server](ResourceAvailable& event) {
    // RFC 6121 §8.5.2.1.1: a resource with negative priority gets nothing that was for the account.
    const Mailbox* mailbox = event.resource.user->slots.find(kMailbox);
    if (event.resource.priority < 0 || !mailbox) return Flow::kContinue;
    if (mailbox->messages == 0 || mailbox->delivering) return Flow::kContinue;
    const auto user = server.loaded_user(event.resource.user->bare);
    if (user) {
      server.spawn(user, hand_over(server, user, std::string(event.resource.jid.resource())));
    }
    return Flow::kContinue;
  });
}

}  // namespace

extern const ModuleSpec xep_0160_offline = router::module<OfflineOptions>(
    "offline", {{"XEP-0160", "1.0.1"}, {"XEP-0203", "2.0"}},
    "Keeps messages for users who are away.",
    {option("messages_max", &OfflineOptions::messages_max, 0, 100'000,
            "Messages that are kept for one user; more are returned to their senders.")},
    attach);

}  // namespace balcony::modules

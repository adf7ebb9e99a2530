// XEP-0160: offline messages: kept for a user who has no resource to read them, and given to the
// first that has. And the spool (docs/decisions/0014): what a client was sent and does not
// acknowledge is kept here too, so that its sender need not wait for that client.
#include "base/log.h"
#include "modules/modules.h"
#include "modules/xep_0160_offline/hand_over.h"
#include "modules/xep_0160_offline/mailbox.h"
#include "modules/xep_0160_offline/rules.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <memory>
#include <utility>

namespace balcony::modules {
namespace {

using router::MessageUnacknowledged;
using router::MessageUndelivered;
using router::User;

constexpr std::uint32_t kLoadRows = 200;  // to learn the size of a mailbox

struct OfflineOptions {
  std::int64_t messages_max = 1'000;
  Bytes size_max{10 * 1024 * 1024};
};

const std::shared_ptr<Mailbox>& mailbox_of(Server& server, User& user) {
  auto& slot = user.slots.get(kMailbox);
  if (!slot) slot = std::make_shared<Mailbox>(server.loop(), server.store(), user.bare.str());
  return slot;
}

// The row of a message that came at `when`. Its time of arrival is written into `message`, and it
// keeps one of ours: where it comes back from a stream, it may have been here before.
storage::ArchiveRow row_of(Server& server, Stanza& message, std::optional<WallTime> since) {
  const WallTime when = since.value_or(server.clock().wall());
  // What a sender wrote in the server's name was removed when it came.
  const auto first = since ? find_delay(message.xml(), server.host()) : std::nullopt;
  remove_delays(message.edit(), server.host());
  const Delay delay(first ? first->stamp : when, server.host(), "Offline Storage");
  message.edit().append(write_delay(delay));
  storage::ArchiveRow row;
  row.id = storage::archive_id(when);
  row.with = message.from()->bare_str();
  row.when = when;
  row.stanza = xml::to_string(message.xml());
  return row;
}

// Counts the row, if there is room for it.
bool admit(const OfflineOptions& options, Mailbox::Counts& counts, const storage::ArchiveRow& row) {
  if (counts.messages >= options.messages_max) return false;
  if (counts.bytes + row.stanza.size() > options.size_max) return false;
  ++counts.messages;
  ++counts.kept;
  counts.bytes += row.stanza.size();
  return true;
}

Flow keep(Server& server, const OfflineOptions& options, MessageUndelivered& event) {
  // It came from the store to a stream that ended, and the store has it still, in its place.
  if (event.stanza.receipt() && !event.stanza.receipt()->row().empty()) return Flow::kStop;
  // What is not kept is told to its sender, or nobody misses it.
  if (only_chat_states(event.stanza.xml())) return Flow::kStop;
  if (!is_stored_offline(event.stanza)) return Flow::kContinue;
  Mailbox& mailbox = *mailbox_of(server, event.user);
  storage::ArchiveRow row = row_of(server, event.stanza, event.since);
  if (!admit(options, *mailbox.counts(), row)) {
    // XEP-0160 §2: a full mailbox is told to the sender.
    event.error = Error(Errc::kServiceUnavailable, "the recipient's mailbox is full");
    return Flow::kStop;
  }
  // With what others want to be written of the message: it is kept everywhere or nowhere.
  storage::Batch batch = std::move(event.batch);
  batch.add(event.user.bare.str(), storage::op::Append{std::string(kOfflineStore), std::move(row)});
  event.ticket = server.commit(event.user, std::move(batch));
  // A message that could not be kept is not lost silently: its sender is told.
  server.store().when(event.ticket,
                      [&server, message = event.stanza.clone()](const Result<>& outcome) {
                        if (!outcome) server.bounce(message, outcome.error());
                      });
  return Flow::kStop;
}

// docs/decisions/0014: the spool. The message is with a stream, and from now on in the store too.
Flow spool(Server& server, const OfflineOptions& options, MessageUnacknowledged& event) {
  if (!event.receipt || !event.stanza.from()) return Flow::kContinue;
  if (only_chat_states(event.stanza.xml()) || !is_stored_offline(event.stanza)) {
    // By rule nobody keeps it: to have handed it over settles it.
    event.receipt = nullptr;
    return Flow::kStop;
  }
  Mailbox& mailbox = *mailbox_of(server, event.user);
  if (auto copy = mailbox.copy_of(event.receipt)) {
    event.receipt = std::move(copy);  // another stream of the user has it too
    return Flow::kStop;
  }
  storage::ArchiveRow row = row_of(server, event.stanza, event.since);
  if (!admit(options, *mailbox.counts(), row)) {
    event.later = true;
    return Flow::kStop;
  }
  const std::string id = row.id;
  const std::size_t bytes = row.stanza.size();
  storage::Batch batch;
  batch.add(event.user.bare.str(), storage::op::Append{std::string(kOfflineStore), std::move(row)});
  const storage::Ticket ticket = server.commit(event.user, std::move(batch));
  event.receipt =
      mailbox.hand_out(id, bytes, event.receipt, ticket,
                       [&server, message = std::make_shared<Stanza>(event.stanza.clone())](
                           const Error& error) { server.bounce(*message, error); });
  return Flow::kStop;
}

Task<Result<>> load_mailbox(Server& server, std::shared_ptr<User> user) {
  Mailbox::Counts counts;
  storage::ArchiveQuery query;
  query.limit = kLoadRows;
  for (bool more = true; more;) {
    storage::ArchiveQuery next = query;
    BALCONY_CO_ASSIGN(const storage::ArchivePage page,
                      co_await server.store().page(user->bare.str(), std::string(kOfflineStore),
                                                   std::move(next)));
    for (const storage::ArchiveRow& row : page.rows) counts.bytes += row.stanza.size();
    counts.messages += static_cast<std::int64_t>(page.rows.size());
    more = !page.complete && !page.rows.empty();
    if (more) query.after = page.rows.back().id;
  }
  // An empty store costs a login nothing.
  if (counts.messages == 0 && !user->slots.find(kMailbox)) co_return Result<>{};
  mailbox_of(server, *user)->set_counts(counts);
  // Loaded anew, with sessions: one may have been waiting for what another left.
  if (!user->resources.empty()) {
    server.with_user(user->bare, [&server](const std::shared_ptr<User>& loaded) {
      if (loaded) start_hand_over(server, *loaded);
    });
  }
  co_return Result<>{};
}

void attach_offline(Registrar& on, Server& server, const OfflineOptions& options) {
  on.feature(ns::kOfflineFeature);  // XEP-0160 §4
  on.on_load_user(
      [&server](std::shared_ptr<User> user) { return load_mailbox(server, std::move(user)); });
  // XEP-0203 §5: only the server's own word about its delay is to be believed.
  on.on<router::StanzaIncoming>(StanzaKind::kMessage, Priority::kEarly,
                                [&server](router::StanzaIncoming& event) {
                                  remove_delays(event.stanza.edit(), server.host());
                                  return Flow::kContinue;
                                });
  on.on<MessageUndelivered>(Priority::kLate, [&server, &options](MessageUndelivered& event) {
    return keep(server, options, event);
  });
  on.on<MessageUnacknowledged>(
      [&server, &options](MessageUnacknowledged& event) { return spool(server, options, event); });
  on.on<router::RowHandedOut>([&server](router::RowHandedOut& event) {
    event.receipt = mailbox_of(server, event.user)->hand_out(event.row, event.bytes);
    return Flow::kContinue;
  });
  attach_hand_over(on, server);
}

}  // namespace

extern const ModuleSpec xep_0160_offline = router::module<OfflineOptions>(
    "offline", {{"XEP-0160", "1.0.1"}, {"XEP-0203", "2.0"}},
    "Keeps messages for users who are away, and what clients do not acknowledge.",
    {option("messages_max", &OfflineOptions::messages_max, 0, 100'000,
            "Messages that are kept for one user; more are returned to their senders."),
     option("size_max", &OfflineOptions::size_max, Bytes{0}, Bytes{1024ULL * 1024 * 1024},
            "How large they may be together.")},
    attach_offline);

}  // namespace balcony::modules

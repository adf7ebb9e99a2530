// XEP-0313: Message Archive Management: what users sent and received, kept for all their clients;
// with preferences (XEP-0441) and full-text search (XEP-0431).
//
// A message is kept once for each side. The recipient's row is written when the message is
// delivered or when the offline store takes it, under the stanza-id that he gets; the sender's
// before it is routed. Nobody waits for that: delivery goes on, and the receipt of the message
// (stanza/receipt.h) is held until the rows are committed.
#include "base/log.h"
#include "modules/modules.h"
#include "modules/stanza_id.h"
#include "modules/xep_0313_archive/preferences.h"
#include "modules/xep_0313_archive/reading.h"
#include "modules/xep_0313_archive/retention.h"
#include "modules/xep_0313_archive/rules.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <memory>

namespace balcony::modules {
namespace {

using router::SlotKey;
using router::User;

constexpr std::string_view kPreferencesKey = "preferences";

struct ArchiveOptions {
  std::string preference = "always";
  std::chrono::seconds keep = std::chrono::days(365);
  std::int64_t messages_max = 100'000;
  std::chrono::seconds erase_every = std::chrono::hours(6);
  std::int64_t page = 50;
  std::int64_t page_max = 250;
};

// Of a user who has set them.
const SlotKey<std::shared_ptr<const ArchivePreferences>> kPreferences;

// One for each host, shard and generation of the configuration.
class Archive {
 public:
  Archive(Server& server, const ArchiveOptions& options)
      : server_(server),
        options_(options),
        default_(archive_default(options.preference).value_or(ArchiveDefault::kAlways)),
        retention_(std::make_shared<Retention>(
            server, RetentionOptions{options.keep, static_cast<std::uint64_t>(options.messages_max),
                                     options.erase_every})) {
    retention_->start();
  }

  // ---- keeping

  // The sender's side. What he sends to himself is kept when it arrives, once.
  void outgoing(router::StanzaOutgoing& event) {
    const Stanza& message = event.stanza;
    User& user = *event.sender.user;
    if (message.to()->same_bare(user.bare)) return;
    if (!keeps(user, message, *message.to())) return;
    const WallTime now = server_.clock().wall();
    event.archive_id = storage::archive_id(now);
    storage::Batch batch;
    batch.add(user.bare.str(), append(archive_row(message, event.archive_id, *message.to(), now)));
    const storage::Ticket ticket = server_.store().commit(std::move(batch));
    // A failure concerns only this copy: whether the message itself is safe, its recipient's side
    // says.
    if (message.receipt()) {
      server_.store().when(ticket, [receipt = message.receipt()](const Result<>&) {});
    }
  }

  // The recipient's side of what is delivered now.
  void delivering(router::MessageDelivering& event) {
    storage::Batch batch;
    if (!incoming(event.user, event.stanza, batch)) return;
    event.stanza.set_kept();
    commit(event.stanza, std::move(batch));
  }

  // Of what the offline store may take, with which it is written; if nobody else does, the archive
  // is where the recipient finds it.
  void undelivered(router::MessageUndelivered& event) {
    // It is kept already: it was delivered, to a stream that ended too early.
    if (event.since) return;
    incoming(event.user, event.stanza, event.batch);
  }
  Flow untaken(router::MessageUndelivered& event) {
    if (event.batch.entries.empty()) return Flow::kContinue;
    event.ticket = commit(event.stanza, std::move(event.batch));
    return Flow::kStop;
  }

  // ---- questions

  Task<IqReply> query(const IqRequest& request) {
    auto ask = read_archive_query(request.payload);
    if (!ask) return refuse(ask.error());
    if (!request.session) return refuse(Error(Errc::kNotAllowed, "only sessions here may ask"));
    const PageLimits limits{static_cast<std::uint32_t>(options_.page),
                            static_cast<std::uint32_t>(options_.page_max)};
    return answer_archive_query(server_, limits, request.user, request.from, *std::move(ask));
  }

  Task<IqReply> metadata(const IqRequest& request) {
    return as_reply(archive_metadata(server_.store(), request.user->bare, ""));
  }

  // XEP-0386 §3.2: the archive as it was when the session was bound. What comes from now on reaches
  // the client through its stream, and has a greater id.
  Task<xml::Element> bound(const User& user) const {
    return at_binding(server_.store(), user.bare, storage::archive_id(server_.clock().wall()));
  }

  IqReply preferences(const IqRequest& request) {
    return write_preferences(preferences_of(*request.user));
  }

  IqReply set_preferences(const IqRequest& request) {
    auto read = read_preferences(request.payload);
    if (!read) return fail(read.error());
    const auto wanted = std::make_shared<const ArchivePreferences>(*std::move(read));
    request.user->slots.get(kPreferences) = wanted;
    xml::Element applied = write_preferences(*wanted);
    storage::Batch batch;
    batch.add(request.user->bare.str(),
              storage::op::Put{std::string(kArchiveStore), std::string(kPreferencesKey),
                               xml::to_string(applied)});
    return IqAnswer(std::move(applied), server_.commit(*request.user, std::move(batch)));
  }

  Task<Result<>> load(std::shared_ptr<User> user) {
    BALCONY_CO_ASSIGN(const std::optional<storage::Value> stored,
                      co_await server_.store().get(user->bare.str(), std::string(kArchiveStore),
                                                   std::string(kPreferencesKey)));
    user->slots.erase(kPreferences);
    if (!stored) co_return Result<>();
    const auto prefs = xml::parse(stored->value);
    auto read = prefs ? read_preferences(*prefs) : fail(prefs.error());
    if (read) {
      user->slots.get(kPreferences) = std::make_shared<const ArchivePreferences>(*std::move(read));
    } else {
      // Nothing that is stored keeps a user out; what he once wished is told to the operator.
      log_error("preferences of an archive cannot be read",
                {{"jid", user->bare.str()}, {"error", read.error().to_string()}});
    }
    co_return Result<>();
  }

 private:
  static Task<IqReply> refuse(Error error) { co_return fail(std::move(error)); }

  static Task<IqReply> as_reply(Task<Result<xml::Element>> task) {
    BALCONY_CO_ASSIGN(xml::Element answer, co_await std::move(task));
    co_return IqAnswer(std::move(answer));
  }

  static Task<xml::Element> at_binding(storage::Store& store, Jid user, std::string position) {
    auto metadata = co_await archive_metadata(store, user, std::move(position));
    if (metadata) co_return *std::move(metadata);
    log_error("the state of an archive cannot be read",
              {{"jid", user.str()}, {"error", metadata.error().to_string()}});
    co_return xml::Element{};
  }

  static storage::op::Append append(storage::ArchiveRow row) {
    return {std::string(kArchiveStore), std::move(row)};
  }

  ArchivePreferences preferences_of(const User& user) const {
    const auto* own = user.slots.find(kPreferences);
    return own && *own ? **own : ArchivePreferences(default_);
  }

  bool keeps(const User& user, const Stanza& message, const Jid& peer) const {
    // One whose account is being removed leaves nothing behind.
    if (user.state != User::State::kReady || !is_worth_keeping(message)) return false;
    const auto* own = user.slots.find(kPreferences);
    if (own && *own) return (*own)->want(peer, user.roster);
    if (default_ == ArchiveDefault::kAlways) return true;
    return ArchivePreferences(default_).want(peer, user.roster);
  }

  // Adds the row of a message that arrives, if it is one to be kept.
  bool incoming(const User& user, Stanza& message, storage::Batch& batch) {
    if (!message.from() || !keeps(user, message, *message.from())) return false;
    const WallTime now = server_.clock().wall();
    // XEP-0313 §3.3: the id under which it is kept is in the message.
    std::string id(find_stanza_id(message.xml(), user.bare));
    if (id.empty()) {
      id = storage::archive_id(now);
      add_stanza_id(message.edit(), user.bare, id);
    }
    batch.add(user.bare.str(), append(archive_row(message, id, *message.from(), now)));
    return true;
  }

  // The sender is told when his message could not be kept: nobody else answers for it.
  storage::Ticket commit(const Stanza& message, storage::Batch batch) {
    const storage::Ticket ticket = server_.store().commit(std::move(batch));
    server_.store().when(ticket, [&server = server_, sent = message.head()](const Result<>& done) {
      if (!done) server.bounce(sent, done.error());
    });
    return ticket;
  }

  Server& server_;
  const ArchiveOptions& options_;
  const ArchiveDefault default_;
  const std::shared_ptr<Retention> retention_;
};

void attach_keeping(Registrar& on, const std::shared_ptr<Archive>& archive) {
  // A forged id must never name a row, whether or not the module stanza_ids is on.
  on.on<router::StanzaIncoming>(StanzaKind::kMessage, Priority::kFirst,
                                [](router::StanzaIncoming& event) {
                                  remove_stanza_ids(event.stanza.edit(), event.user.bare);
                                  return Flow::kContinue;
                                });
  // Late: what others refuse is not kept (§6.1), and what they change is kept as it is sent.
  on.on<router::StanzaOutgoing>(StanzaKind::kMessage, Priority::kLate,
                                [archive](router::StanzaOutgoing& event) {
                                  archive->outgoing(event);
                                  return Flow::kContinue;
                                });
  on.on<router::MessageDelivering>(Priority::kEarly, [archive](router::MessageDelivering& event) {
    archive->delivering(event);
    return Flow::kContinue;
  });
  on.on<router::MessageUndelivered>([archive](router::MessageUndelivered& event) {
    archive->undelivered(event);
    return Flow::kContinue;
  });
  on.on<router::MessageUndelivered>(Priority::kLast, [archive](router::MessageUndelivered& event) {
    return archive->untaken(event);
  });
}

void attach_archive(Registrar& on, Server& server, const ArchiveOptions& options) {
  // §7
  for (const std::string_view feature :
       {ns::kMam, ns::kMamExtended, ns::kMamGroupchatField, ns::kFullTextSearch, ns::kStanzaId}) {
    on.account_feature(feature);
  }
  const auto archive = std::make_shared<Archive>(server, options);
  attach_keeping(on, archive);
  on.on_load_user([archive](std::shared_ptr<User> user) { return archive->load(std::move(user)); });
  // §8.1: an archive is its owner's alone.
  on.iq_get({ns::kMam, "query"}, Target::kAccount, Access::kOwner,
            [](const IqRequest&) -> IqReply { return archive_query_form(); });
  on.iq_set_task({ns::kMam, "query"}, Target::kAccount, Access::kOwner,
                 [archive](const IqRequest& request) { return archive->query(request); });
  on.iq_get_task({ns::kMam, "metadata"}, Target::kAccount, Access::kOwner,
                 [archive](const IqRequest& request) { return archive->metadata(request); });
  on.on<router::InlineBound>([archive](router::InlineBound& event) {
    event.work.push_back(archive->bound(*event.resource.user));
    return Flow::kContinue;
  });
  on.iq_get({ns::kMam, "prefs"}, Target::kAccount, Access::kOwner,
            [archive](const IqRequest& request) { return archive->preferences(request); });
  on.iq_set({ns::kMam, "prefs"}, Target::kAccount, Access::kOwner,
            [archive](const IqRequest& request) { return archive->set_preferences(request); });
}

}  // namespace

extern const ModuleSpec xep_0313_archive = router::module<ArchiveOptions>(
    "archive",
    {{"XEP-0313", "1.1.3"}, {"XEP-0441", "0.2.0"}, {"XEP-0431", "0.2.0"}, {"XEP-0059", "1.0"}},
    "Keeps messages for all of a user's clients.",
    {option("preference", &ArchiveOptions::preference,
            "With whom messages are kept for users who have not said so themselves.",
            {"always", "never", "roster"}),
     option("keep", &ArchiveOptions::keep, std::chrono::seconds(0), std::chrono::days(36'500),
            "How long messages are kept; 0: for ever."),
     option("messages_max", &ArchiveOptions::messages_max, 0, 1'000'000'000,
            "Messages that are kept for one user, the newest; 0: any number."),
     option("erase_every", &ArchiveOptions::erase_every, std::chrono::seconds(1),
            std::chrono::days(30), "How often older messages are looked for and erased."),
     option("page", &ArchiveOptions::page, 1, 1'000,
            "Messages in an answer when the client does not say how many it wants."),
     option("page_max", &ArchiveOptions::page_max, 1, 1'000, "Messages in an answer at most.")},
    attach_archive);

}  // namespace balcony::modules

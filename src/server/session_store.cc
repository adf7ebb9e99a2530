#include "server/session_store.h"

#include "base/log.h"
#include "router/host.h"
#include "server/detached_session.h"
#include "server/hop.h"
#include "server/unacknowledged.h"
#include "stanza/datetime.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <charconv>
#include <utility>

namespace balcony::server {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

constexpr std::string_view kStore = "stream_management";
constexpr std::uint32_t kSessionPage = 100;
// A client whose server was away gets this long at least, however little was left before.
constexpr auto kGrace = 60s;
// Counts without a session are of a server that died; whoever has not come back by then never will.
constexpr auto kCountsKept = 24h;

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

xml::Element entry(ShardContext& context, stream::StanzaCount h) {
  xml::Element session("", "session");
  session.set("h", std::to_string(h));
  session.set("when", format_datetime(context.shard.clock().wall()));
  return session;
}

void put(ShardContext& context, const Jid& jid, const std::string& id, xml::ElementView value) {
  storage::Batch batch;
  batch.add(std::string(jid.bare_str()),
            storage::op::Put{std::string(kStore), id, xml::to_string(value)});
  context.store->commit(std::move(batch));
}

void save_presence(const router::ConnectedResource& resource, xml::ElementRef state) {
  if (resource.interested) state.set("interested", "true");
  if (resource.client != 0) state.set("client", std::to_string(resource.client));
  if (resource.available) {
    state.set("priority", std::to_string(static_cast<int>(resource.priority)));
    state.set("number", std::to_string(resource.presence_number));
    state.append_text_element("presence", resource.presence);
  }
  for (const Jid& jid : resource.directed) state.append_text_element("directed", jid.str());
}

}  // namespace

void remember_count(ShardContext& context, const Jid& jid, const std::string& id,
                    stream::StanzaCount h) {
  put(context, jid, id, entry(context, h));
}

void forget_session(ShardContext& context, const Jid& jid, const std::string& id) {
  storage::Batch batch;
  batch.add(std::string(jid.bare_str()), storage::op::Erase{std::string(kStore), id});
  context.store->commit(std::move(batch));
}

Task<std::optional<stream::StanzaCount>> last_count(ShardContext& context, Jid bare,
                                                    std::string id) {
  auto found = co_await context.store->get(bare.str(), std::string(kStore), id);
  if (!found || !*found) co_return std::nullopt;
  const auto session = xml::parse((*found)->value);
  if (!session) co_return std::nullopt;
  forget_session(context, bare, id);
  co_return number_of<stream::StanzaCount>(session->attr("h"));
}

void save_session(ShardContext& context, const router::ConnectedResource& resource,
                  const ManagedStream& managed) {
  xml::Element session = entry(context, managed.h());
  session.set("jid", resource.jid.str());
  session.set("acknowledged", std::to_string(managed.acknowledged()));
  xml::ElementRef state = session.append("", "state");
  save_presence(resource, state);
  resource.user->host->fire(router::SessionSaving{resource, state});
  for (const stream::Kept& sent : managed.waiting()) {
    xml::ElementRef saved = session.append("", "sent");
    saved.append_text(sent.text);
    saved.set("when", format_datetime(sent.when));
    if (sent.receipt && !sent.receipt->row().empty()) saved.set("row", sent.receipt->row());
  }
  put(context, resource.jid, managed.id(), session);
}

void restore_resource(router::ConnectedResource& resource, xml::ElementView state) {
  resource.interested = state.attr("interested") == "true";
  resource.client = number_of<std::uint64_t>(state.attr("client"));
  for (const xml::ElementView child : state.children()) {
    if (child.name() == "presence") {
      // Those who may see it have been told before the stop.
      resource.available = true;
      resource.priority = static_cast<std::int8_t>(number_of<int>(state.attr("priority")));
      resource.presence_number = number_of<std::uint64_t>(state.attr("number"));
      resource.presence = child.text();
    } else if (child.name() == "directed") {
      if (auto jid = Jid::parse(child.text())) resource.directed.insert(*std::move(jid));
    }
  }
  resource.user->host->fire(router::SessionRestoring{resource, state});
}

void take_rows_back(router::ConnectedResource& resource, ManagedStream& managed) {
  for (std::size_t i = 0; i < managed.waiting().size(); ++i) {
    const stream::Kept& sent = managed.waiting()[i];
    if (!sent.receipt) continue;
    router::RowHandedOut event{*resource.user, sent.receipt->row(), sent.text.size()};
    resource.user->host->fire(event);
    managed.set_receipt(i, std::move(event.receipt));
  }
}

namespace {

// What stands for a row until take_rows_back().
class SavedRow final : public Receipt {
 public:
  explicit SavedRow(std::string_view row) : row_(row) {}
  std::string_view row() const override { return row_; }

 private:
  const std::string row_;
};

std::unique_ptr<ManagedStream> read_managed(ShardContext& context, const std::string& id,
                                            xml::ElementView session) {
  auto managed = std::make_unique<ManagedStream>(
      context.shard, std::make_shared<Ledger>(context.shard), id, managed_options(*context.config));
  managed->restore(number_of<stream::StanzaCount>(session.attr("h")),
                   number_of<stream::StanzaCount>(session.attr("acknowledged")));
  for (const xml::ElementView child : session.children()) {
    if (child.name() != "sent") continue;
    const auto when = parse_datetime(child.attr("when"));
    ReceiptPtr row;
    if (child.has_attr("row")) row = std::make_shared<SavedRow>(child.attr("row"));
    managed->restore({child.text(), std::move(row), when ? *when : context.shard.clock().wall()});
  }
  return managed;
}

// One entry, on the home shard. Returns whether a session came of it.
Task<bool> restore_one(ShardContext& context, Jid bare, storage::MapEntry found) {
  const auto session = xml::parse(found.value.value);
  const auto when =
      session ? parse_datetime(session->attr("when")) : Result<WallTime>(fail(session.error()));
  const auto age = when ? context.shard.clock().wall() - *when : kCountsKept;
  const auto jid = session ? Jid::parse(session->attr("jid")) : Result<Jid>(fail(Errc::kMalformed));
  if (!jid || !jid->same_bare(bare)) {
    if (age >= kCountsKept) forget_session(context, bare, found.key);
    co_return false;
  }
  auto managed = read_managed(context, found.key, *session);
  managed->keep_with(keeper_of(context, *jid));
  const std::chrono::milliseconds timeout = managed->options().resume_timeout;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timeout - age);
  xml::Element state = session->child("", "state").clone();
  const std::chrono::milliseconds wait = std::max<std::chrono::milliseconds>(left, kGrace);
  auto restored =
      co_await DetachedSession::restore(context, *jid, std::move(managed), std::move(state), wait);
  if (!restored) {
    log_error("a saved session cannot go on",
              {{"jid", jid->str()}, {"error", restored.error().to_string()}});
    // Of an account that is gone; anything else may be better at the next start.
    if (restored.error().code == Errc::kServiceUnavailable) {
      forget_session(context, bare, found.key);
    }
    co_return false;
  }
  co_return true;
}

Task<std::size_t> restore_owner(ShardContext& context, Jid bare) {
  std::size_t restored = 0;
  std::string after;
  while (true) {
    auto page =
        co_await context.store->scan(bare.str(), std::string(kStore), "", after, kSessionPage);
    if (!page || page->empty()) co_return restored;
    after = page->back().key;
    for (storage::MapEntry& found : *page) {
      if (co_await restore_one(context, bare, std::move(found))) ++restored;
    }
  }
}

}  // namespace

Task<std::size_t> restore_sessions(ShardContext& context) {
  std::size_t restored = 0;
  std::string after;
  while (true) {
    auto owners = co_await context.store->owners(std::string(kStore), after, kSessionPage);
    if (!owners) {
      log_error("saved sessions cannot be read", {{"error", owners.error().to_string()}});
      co_return restored;
    }
    if (owners->empty()) co_return restored;
    after = owners->back();
    for (const std::string& owner : *owners) {
      const auto bare = Jid::parse(owner);
      if (!bare) continue;
      const auto& all = context.shared.contexts;
      ShardContext& home = *all[router::home_shard(owner, all.size())];
      const std::function<Task<std::size_t>()> work = [&home, bare = *bare] {
        return restore_owner(home, bare);
      };
      restored += co_await run_on<std::size_t>(context.shard, home.shard, work);
    }
  }
}

ManagedOptions managed_options(const Config& config) {
  ManagedOptions options;
  options.limits.stanzas_max = static_cast<std::size_t>(config.stream_management.waiting_stanzas);
  options.limits.bytes_max = config.stream_management.waiting_bytes.count;
  options.resume_timeout = config.stream_management.resume_timeout;
  options.silence_max = config.stream_management.silence;
  return options;
}

}  // namespace balcony::server

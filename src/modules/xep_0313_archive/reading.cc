#include "modules/xep_0313_archive/reading.h"

#include "base/log.h"
#include "stanza/datetime.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "xml/parser.h"

#include <algorithm>
#include <string>
#include <vector>

namespace balcony::modules {
namespace {

using router::ConnectedResource;
using router::User;
using storage::ArchivePage;
using storage::ArchiveQuery;
using storage::ArchiveRow;

// Rows of one read, so that a few hundred large messages are never in memory together.
constexpr std::uint32_t kReadRows = 50;
constexpr std::size_t kPageBytesMax = 512 * 1024;

// XEP-0313 §4.1.1: a full JID is matched against the message's own addresses.
bool is_with(const ArchiveRow& row, const Jid& full) {
  const auto message = xml::parse(row.stanza);
  return message && (message->attr("from") == full.str() || message->attr("to") == full.str());
}

// One question, from its ids to its answer.
class Reading {
 public:
  Reading(Server& server, PageLimits limits, std::shared_ptr<User> user, Jid asker, ArchiveAsk ask)
      : server_(server), user_(std::move(user)), asker_(std::move(asker)), ask_(std::move(ask)) {
    limit_ = std::min(ask_.page.max.value_or(limits.rows_default), limits.rows_max);
  }

  Task<IqReply> operator()() {
    BALCONY_CO_CHECK(co_await check_ids());
    if (ask_.ids.empty()) {
      BALCONY_CO_CHECK(co_await read_page());
    } else {
      BALCONY_CO_CHECK(co_await read_ids());
    }
    if (wants_count()) BALCONY_CO_CHECK(co_await count());
    // From here on nothing waits: results and <fin/> leave in one turn, in order.
    ConnectedResource* to = user_->find(asker_.resource());
    if (!to) co_return fail(Errc::kRecipientUnavailable, "the session is gone");
    send(*to);
    co_return IqAnswer(fin());
  }

 private:
  // §4.1.3, §4.3.2: an id that is not in the archive is an error; but one of ours names a place in
  // it for ever, also after its message was erased.
  Task<Result<>> check_ids() {
    const std::string* const named[] = {&ask_.after_id, &ask_.before_id,
                                        ask_.page.after ? &*ask_.page.after : nullptr,
                                        ask_.page.before ? &*ask_.page.before : nullptr};
    for (const std::string* id : named) {
      if (!id || id->empty() || storage::is_archive_id(*id, server_.clock().wall())) continue;
      std::string wanted = *id;
      BALCONY_CO_ASSIGN(const auto row, co_await find(std::move(wanted)));
      if (!row) co_return fail(Errc::kItemNotFound, "there is no such id in this archive");
    }
    co_return Result<>();
  }

  Task<Result<std::optional<ArchiveRow>>> find(std::string id) {
    return server_.store().find(user_->bare.str(), std::string(kArchiveStore), std::move(id));
  }

  // What the form asks for, without the page.
  ArchiveQuery filter() const {
    ArchiveQuery query;
    query.after = ask_.after_id;
    query.before = ask_.before_id;
    if (ask_.with) query.with = ask_.with->bare_str();
    query.start = ask_.start;
    query.end = ask_.end;
    query.search = ask_.words;
    return query;
  }

  // XEP-0059 §2.2, §2.3, §2.5. §4.3.2 leaves both together open: then it is what lies between.
  ArchiveQuery first_query() const {
    ArchiveQuery query = filter();
    if (ask_.page.after) query.after = std::max(query.after, *ask_.page.after);
    if (ask_.page.before && !ask_.page.before->empty() &&
        (query.before.empty() || *ask_.page.before < query.before)) {
      query.before = *ask_.page.before;
    }
    query.backwards = ask_.page.backwards();
    return query;
  }

  Task<Result<>> read_page() {
    ArchiveQuery query = first_query();
    bool more = limit_ > 0;
    while (more) {
      query.limit = is_full_jid() ? kReadRows : std::min(kReadRows, limit_ - taken());
      ArchiveQuery asked = query;
      BALCONY_CO_ASSIGN(ArchivePage page,
                        co_await server_.store().page(user_->bare.str(), std::string(kArchiveStore),
                                                      std::move(asked)));
      if (page.rows.empty()) {
        complete_ = page.complete;
        break;
      }
      (query.backwards ? query.before : query.after) =
          query.backwards ? page.rows.front().id : page.rows.back().id;
      if (query.backwards) std::ranges::reverse(page.rows);
      const bool all = take(std::move(page.rows));
      complete_ = all && page.complete;
      more = all && !page.complete && taken() < limit_;
    }
    if (query.backwards) std::ranges::reverse(rows_);
    co_return Result<>();
  }

  // Whether there was room for all of them. A single row always has room.
  bool take(std::vector<ArchiveRow> rows) {
    for (ArchiveRow& row : rows) {
      if (is_full_jid() && !is_with(row, *ask_.with)) continue;
      if (taken() == limit_) return false;
      if (!rows_.empty() && bytes_ + row.stanza.size() > kPageBytesMax) return false;
      bytes_ += row.stanza.size();
      rows_.push_back(std::move(row));
    }
    return true;
  }

  // Storage knows bare JIDs only: some of the rows that it finds are not asked for.
  bool is_full_jid() const { return ask_.with && ask_.with->is_full(); }

  std::uint32_t taken() const { return static_cast<std::uint32_t>(rows_.size()); }

  // §4.1.3: each of them must be there. Ids sort in the order of the archive.
  Task<Result<>> read_ids() {
    const ArchiveQuery page = first_query();
    std::vector<ArchiveRow> found;
    for (const std::string& id : ask_.ids) {
      std::string wanted = id;
      BALCONY_CO_ASSIGN(auto row, co_await find(std::move(wanted)));
      if (!row) co_return fail(Errc::kItemNotFound, "there is no such id in this archive");
      if (id > page.after && (page.before.empty() || id < page.before)) {
        found.push_back(*std::move(row));
      }
    }
    if (page.backwards) std::ranges::reverse(found);
    const bool fits = found.size() <= limit_;
    if (!fits) found.resize(limit_);
    complete_ = take(std::move(found)) && fits;
    if (page.backwards) std::ranges::reverse(rows_);
    co_return Result<>();
  }

  // XEP-0059 §2.6, §2.7: with the first page and where nothing else is asked for. Who pages on
  // knows it, and counting looks at every row.
  bool wants_count() const {
    const bool first = !ask_.page.after && (!ask_.page.before || ask_.page.before->empty());
    return (first || limit_ == 0) && ask_.ids.empty() && !is_full_jid();
  }

  Task<Result<>> count() {
    if (complete_) {
      count_ = taken();
      co_return Result<>();
    }
    ArchiveQuery query = filter();
    BALCONY_CO_ASSIGN(const std::uint64_t rows,
                      co_await server_.store().count(user_->bare.str(), std::string(kArchiveStore),
                                                     std::move(query)));
    count_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(rows, INT32_MAX));
    if (limit_ == 0) complete_ = rows == 0;
    co_return Result<>();
  }

  // §4.3.4: a flipped page has the same messages in the other order.
  void send(ConnectedResource& to) {
    if (ask_.flip) std::ranges::reverse(rows_);
    for (const ArchiveRow& row : rows_) {
      auto message = xml::parse(row.stanza);
      if (!message) {
        // Skipped and told, never fatal.
        log_error("archived message cannot be read", {{"jid", user_->bare.str()}, {"id", row.id}});
        continue;
      }
      to.endpoint->deliver(result(row, *std::move(message)).xml());
    }
    if (ask_.flip) std::ranges::reverse(rows_);
  }

  // §4.2
  Stanza result(const ArchiveRow& row, xml::Element message) const {
    Stanza stanza(StanzaKind::kMessage, StanzaType::kNormal);
    stanza.set_from(user_->bare);
    stanza.set_to(asker_);
    xml::ElementRef result = stanza.edit().append(ns::kMam, "result");
    if (ask_.query_id) result.set("queryid", *ask_.query_id);
    result.set("id", row.id);
    xml::ElementRef forwarded = result.append(ns::kForward, "forwarded");
    forwarded.append(write_delay(Delay(row.when)));
    forwarded.append(std::move(message));
    return stanza;
  }

  xml::Element fin() const {
    rsm::Response page;
    page.count = count_;
    if (!rows_.empty()) {
      page.first = rows_.front().id;
      page.last = rows_.back().id;
      if (count_ && !ask_.page.backwards()) page.first_index = 0;
    }
    xml::Element fin(ns::kMam, "fin");
    if (complete_) fin.set("complete", "true");  // §4.3.2
    fin.append(rsm::write(page));
    return fin;
  }

  Server& server_;
  const std::shared_ptr<User> user_;
  const Jid asker_;
  const ArchiveAsk ask_;
  std::uint32_t limit_;
  std::vector<ArchiveRow> rows_;
  std::size_t bytes_ = 0;
  bool complete_ = false;
  std::optional<std::uint32_t> count_;
};

Task<Result<std::optional<ArchiveRow>>> end_row(storage::Store& store, Jid user, std::string before,
                                                bool last) {
  ArchiveQuery query;
  query.limit = 1;
  query.backwards = last;
  query.before = std::move(before);
  BALCONY_CO_ASSIGN(ArchivePage page,
                    co_await store.page(user.str(), std::string(kArchiveStore), std::move(query)));
  if (page.rows.empty()) co_return std::optional<ArchiveRow>();
  co_return std::optional<ArchiveRow>(std::move(page.rows.front()));
}

}  // namespace

Task<IqReply> answer_archive_query(Server& server, PageLimits limits, std::shared_ptr<User> user,
                                   Jid asker, ArchiveAsk ask) {
  Reading reading(server, limits, std::move(user), std::move(asker), std::move(ask));
  co_return co_await reading();
}

Task<Result<xml::Element>> archive_metadata(storage::Store& store, Jid user, std::string before) {
  BALCONY_CO_ASSIGN(const auto first, co_await end_row(store, user, before, false));
  BALCONY_CO_ASSIGN(const auto last, co_await end_row(store, user, before, true));
  xml::Element metadata(ns::kMam, "metadata");
  // §5: empty for an empty archive.
  if (first && last) {
    const auto append = [&metadata](std::string_view name, const ArchiveRow& row) {
      metadata.append(name).set("id", row.id).set("timestamp", format_datetime(row.when));
    };
    append("start", *first);
    append("end", *last);
  }
  co_return metadata;
}

}  // namespace balcony::modules

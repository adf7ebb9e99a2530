// Queries of archives (XEP-0313): the form out; the results, which are messages, back.
#include <balcony/archive.h>

#include "client/core.h"
#include "stanza/datetime.h"
#include "stanza/delay.h"
#include "stanza/ns.h"
#include "stanza/rsm.h"

#include <utility>

namespace balcony {
namespace client {
namespace {

constexpr std::string_view kMam = "urn:xmpp:mam:2";

void add_field(xml::ElementRef form, std::string_view name, std::string_view value,
               bool hidden = false) {
  xml::ElementRef field = form.append(ns::kDataForms, "field");
  field.set("var", name);
  if (hidden) field.set("type", "hidden");
  field.append_text_element("value", value);
}

// XEP-0313 §4.1: filters are a form to be submitted.
void add_filters(xml::Element& query, const ArchiveQuery& wanted) {
  if (!wanted.with && !wanted.start && !wanted.end) return;
  xml::ElementRef form = query.append(ns::kDataForms, "x");
  form.set("type", "submit");
  add_field(form, "FORM_TYPE", kMam, true);
  if (wanted.with) add_field(form, "with", wanted.with->str());
  if (wanted.start) add_field(form, "start", format_datetime(*wanted.start));
  if (wanted.end) add_field(form, "end", format_datetime(*wanted.end));
}

xml::Element write_query(const ArchiveQuery& wanted, std::string_view id) {
  xml::Element query(kMam, "query");
  query.set("queryid", id);
  add_filters(query, wanted);
  rsm::Request page;
  page.max = wanted.max;
  page.after = wanted.after;
  page.before = wanted.before;
  query.append(rsm::write(page));
  return query;
}

}  // namespace

ArchiveCollector::ArchiveCollector(Core& core, std::string id, std::optional<Jid> archive)
    : core_(core), id_(std::move(id)), archive_(std::move(archive)) {
  core_.collectors_.push_back(this);
}

ArchiveCollector::~ArchiveCollector() {
  std::erase(core_.collectors_, this);
}

bool ArchiveCollector::take(xml::ElementView message, const Jid& from) {
  // XEP-0313 §4.2: results come from the archive that was asked; anybody can write the rest.
  if (from != archive_.value_or(core_.jid().bare())) return false;
  const xml::ElementView result = message.child(kMam, "result");
  if (result.attr("queryid") != id_ || messages.size() >= kMessagesMax) return false;
  const xml::ElementView forwarded = result.child(ns::kForward, "forwarded");
  const xml::ElementView inner = forwarded.child(ns::kClient, "message");
  if (!inner) return false;
  ArchivedMessage kept;
  kept.id = result.attr("id");
  if (const auto delay = find_delay(forwarded)) kept.time = delay->stamp;
  kept.message = inner.clone();
  messages.push_back(std::move(kept));
  return true;
}

// Messages that hold a result of an archive are nobody else's, asked for or not.
bool Core::take_archived(xml::ElementView message, const Jid& from) {
  if (!message.child(kMam, "result")) return false;
  for (ArchiveCollector* collector : collectors_) {
    if (collector->take(message, from)) break;
  }
  return true;
}

Task<Result<ArchivePage>> Core::query_archive(std::shared_ptr<Core> core, ArchiveQuery query) {
  ArchiveCollector collector(*core, core->new_id(), query.archive);
  xml::Element iq(ns::kClient, "iq");
  iq.set("type", "set");
  if (query.archive) iq.set("to", query.archive->str());
  iq.append(write_query(query, collector.id()));
  const auto answer = co_await core->request(std::move(iq), std::chrono::milliseconds(0));
  if (!answer) co_return fail(answer.error());
  if (!answer->is(kMam, "fin")) {
    co_return fail(Errc::kMalformed, "the archive does not say where its answer ends");
  }
  ArchivePage page;
  page.messages = std::move(collector.messages);
  const std::string_view complete = answer->attr("complete");
  page.complete = complete == "true" || complete == "1";
  BALCONY_CO_ASSIGN(const rsm::Response place, rsm::find_response(*answer));
  page.first = place.first.value_or("");
  page.last = place.last.value_or("");
  page.count = place.count;
  co_return page;
}

}  // namespace client

Task<Result<ArchivePage>> Client::archive(ArchiveQuery query) {
  return client::Core::query_archive(core_, std::move(query));
}

}  // namespace balcony

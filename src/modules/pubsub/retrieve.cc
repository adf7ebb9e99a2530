// Retrieving items (XEP-0060 §6.5), with result set management (§6.5.4).
#include "modules/pubsub/errors.h"
#include "modules/pubsub/items.h"
#include "modules/pubsub/requests.h"
#include "stanza/ns.h"
#include "stanza/rsm.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

using router::IqAnswer;
using router::IqReply;
using router::IqRequest;

// Items in one answer, and ids in one request.
constexpr std::uint32_t kItemsAtOnce = 1'000;
constexpr std::size_t kIdsAtOnce = 200;

struct Answer {
  explicit Answer(const std::string& node) : element(ns::kPubsub, "pubsub") {
    items = element.append("items");
    items.set("node", node);
  }
  xml::Element element;
  xml::ElementRef items;
};

// §6.5.8: single ones; those that are not there are left out (§6.5.9.12).
Task<IqReply> by_ids(Service& service, ItemSource source, std::string node,
                     std::vector<std::string> ids) {
  Answer answer(node);
  for (const std::string& id : ids) {
    auto item = co_await read_item(service.server().store(), source, id);
    if (!item) co_return fail(item.error());
    if (*item) answer.items.append(std::move((*item)->element));
  }
  co_return IqAnswer(std::move(answer.element));
}

// The row that a client's page starts from. Null: it names an item that is not there (XEP-0059
// §2.2).
Task<Result<std::optional<std::string>>> row_of(Service& service, ItemSource source,
                                                std::string id) {
  if (id.empty()) co_return std::optional<std::string>(std::in_place);
  BALCONY_CO_ASSIGN(const std::optional<RowSize> row,
                    co_await find_row(service.server().store(), std::move(source), id));
  if (!row) co_return std::optional<std::string>();
  co_return std::optional<std::string>(row->row);
}

void add_page(Answer& answer, ItemPage page, const rsm::Request& asked, std::uint32_t count) {
  rsm::Response set;
  set.count = count;
  if (!page.items.empty()) {
    set.first = page.items.front().id;
    set.last = page.items.back().id;
    const bool from_start = asked.after.value_or("").empty() && !asked.before;
    if (from_start) set.first_index = 0;
  }
  for (Item& item : page.items) answer.items.append(std::move(item.element));
  answer.element.append(rsm::write(set));
}

Task<IqReply> by_page(Service& service, ItemSource source, std::string node, rsm::Request asked) {
  Answer answer(node);
  storage::ArchiveQuery query;
  query.limit = std::min(asked.max.value_or(kItemsAtOnce), kItemsAtOnce);
  query.backwards = asked.backwards();
  const std::uint32_t count = source.items;
  for (const bool after : {true, false}) {
    const auto& id = after ? asked.after : asked.before;
    if (!id) continue;
    auto row = co_await row_of(service, source, *id);
    if (!row) co_return fail(row.error());
    if (!*row) co_return fail(Errc::kItemNotFound, "there is no such item");
    (after ? query.after : query.before) = **row;
  }
  ItemPage page;
  if (query.limit > 0) {
    auto read = co_await read_items(service.server().store(), std::move(source), query);
    if (!read) co_return fail(read.error());
    page = *std::move(read);
  }
  add_page(answer, std::move(page), asked, count);
  co_return IqAnswer(std::move(answer.element));
}

// All, or the most recent ones (§6.5.7), in the order of publication.
Task<IqReply> recent(Service& service, ItemSource source, std::string node,
                     std::optional<std::uint32_t> items_max) {
  Answer answer(node);
  storage::ArchiveQuery query;
  query.limit = std::min(items_max.value_or(kItemsAtOnce), kItemsAtOnce);
  query.backwards = items_max.has_value();
  const std::uint32_t count = source.items;
  auto page = co_await read_items(service.server().store(), std::move(source), query);
  if (!page) co_return fail(page.error());
  if (!page->complete && !items_max) {
    // §6.5.4: the list is cut, and says so.
    add_page(answer, *std::move(page), rsm::Request(), count);
    co_return IqAnswer(std::move(answer.element));
  }
  for (Item& item : page->items) answer.items.append(std::move(item.element));
  co_return IqAnswer(std::move(answer.element));
}

std::optional<std::uint32_t> positive_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = error == std::errc{} && end == text.data() + text.size() && number > 0;
  return good ? std::optional(number) : std::nullopt;
}

}  // namespace

Task<IqReply> retrieve(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const Relation relation = service->relation(request.from);
  const Nodes* nodes = service->nodes();
  if (!nodes) co_return not_now();
  const std::string name(verb.attr("node"));
  const auto found = nodes->find(name);
  if (found == nodes->end()) {
    const bool stranger = relation.kind == Relation::Kind::kStranger;
    if (name.empty() && !stranger) co_return refusal(Errc::kBadRequest, "nodeid-required");
    co_return no_such_node(relation);
  }
  const Node& node = found->second;
  if (!may_read(node.config, relation)) co_return denial(node.config, relation);
  const ItemSource source(service->jid().str(), node);
  std::vector<std::string> ids;
  for (const xml::ElementView item : verb.children(ns::kPubsub, "item")) {
    ids.emplace_back(item.attr("id"));
  }
  if (ids.size() > kIdsAtOnce) co_return fail(Errc::kNotAcceptable, "too many items at once");
  if (!ids.empty()) co_return co_await by_ids(*service, source, name, std::move(ids));
  const auto page = rsm::find_request(request.payload);
  if (!page) co_return fail(page.error());
  if (page->index) co_return refusal(Errc::kFeatureNotImplemented, {}, "no pages by number");
  const rsm::Request asked = *page;
  if (asked != rsm::Request()) co_return co_await by_page(*service, source, name, asked);
  std::optional<std::uint32_t> items_max;
  if (verb.has_attr("max_items")) {
    items_max = positive_number(verb.attr("max_items"));
    if (!items_max) co_return fail(Errc::kBadRequest, "max_items is no number");
  }
  co_return co_await recent(*service, source, name, items_max);
}

}  // namespace balcony::modules::pubsub

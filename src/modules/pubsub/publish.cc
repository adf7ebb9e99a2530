// Publishing an item and deleting one (XEP-0060 §7).
#include "modules/pubsub/errors.h"
#include "modules/pubsub/event.h"
#include "modules/pubsub/items.h"
#include "modules/pubsub/node_config.h"
#include "modules/pubsub/requests.h"
#include "stanza/ns.h"
#include "xml/writer.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

using router::IqAnswer;
using router::IqReply;
using router::IqRequest;

// What a request wants published.
struct Publication {
  std::string node;
  std::string id;     // empty: none was given
  bool item = false;  // there is an <item/>
  xml::ElementView payload;
  std::optional<DataForm> options;
};

// §7.1.3; what does not depend on the node.
std::optional<IqAnswer> read_publication(const IqRequest& request, xml::ElementView verb,
                                         const ServiceLimits& limits, Publication& wanted) {
  wanted.node = verb.attr("node");
  if (wanted.node.empty()) return refusal(Errc::kBadRequest, "nodeid-required");
  const xml::ElementView item = verb.child(ns::kPubsub, "item");
  wanted.item = bool(item);
  wanted.id = item.attr("id");
  wanted.payload = item.first_child();
  if (wanted.node.size() > kNameBytesMax || wanted.id.size() > kNameBytesMax) {
    return refusal(Errc::kNotAcceptable, {}, "this name is too long");
  }
  // §7.1.1: one item at most; §7.1.3.6: with one payload.
  if (item.next_sibling().is(ns::kPubsub, "item") || wanted.payload.next_sibling()) {
    return refusal(Errc::kBadRequest, "invalid-payload");
  }
  if (wanted.payload && xml::to_string(wanted.payload).size() > limits.item_bytes_max) {
    return refusal(Errc::kNotAcceptable, "payload-too-big");
  }
  const xml::ElementView options = request.payload.child(ns::kPubsub, "publish-options");
  if (!options) return std::nullopt;
  auto form = find_data_form(options);
  if (!form || !*form || (*form)->form_type() != ns::kPubsubPublishOptions) {
    return refusal(Errc::kBadRequest, {}, "these are no options of publishing");
  }
  wanted.options = **std::move(form);
  return std::nullopt;
}

// §7.1.5: the node's configuration, or that of the node that is to be made.
std::optional<IqAnswer> check_options(const Nodes& nodes, const Publication& wanted,
                                      const ServiceLimits& limits, NodeConfig& config) {
  const auto found = nodes.find(wanted.node);
  if (found != nodes.end()) {
    config = found->second.config;
    if (!wanted.options || meets_preconditions(config, *wanted.options, limits)) {
      return std::nullopt;
    }
    return refusal(Errc::kConflict, "precondition-not-met");
  }
  if (nodes.size() >= limits.nodes_max) {
    return refusal(Errc::kResourceConstraint, "max-nodes-exceeded");
  }
  if (!wanted.options) return std::nullopt;
  ConfigChange change = change_config({}, *wanted.options, limits, UnknownFields::kRefused);
  if (change.problem != ConfigProblem::kNone) {
    return refusal(Errc::kConflict, "precondition-not-met", change.field);
  }
  config = std::move(change.config);
  return std::nullopt;
}

// §7.1.3.6: what the kind of node demands of an item.
std::optional<IqAnswer> check_item(const NodeConfig& config, const Publication& wanted) {
  if (config.persist_items && !wanted.item) return refusal(Errc::kBadRequest, "item-required");
  if (config.deliver_payloads && !wanted.payload) {
    return refusal(Errc::kBadRequest, "payload-required");
  }
  if (!config.persist_items && !config.deliver_payloads && wanted.item) {
    return refusal(Errc::kBadRequest, "item-forbidden");
  }
  return std::nullopt;
}

// What goes when an item comes: the one with its id, and the oldest where there are too many.
Task<Result<std::vector<RowSize>>> displaced(Service& service, std::string name, std::string id) {
  std::vector<RowSize> rows;
  const Nodes& nodes = *service.nodes();
  const auto found = nodes.find(name);
  if (found == nodes.end()) co_return rows;
  const ItemSource source(service.jid().str(), found->second);
  const std::uint32_t allowed = items_allowed(found->second.config, service.limits());
  storage::Store& store = service.server().store();
  BALCONY_CO_ASSIGN(std::optional<RowSize> same, co_await find_row(store, source, id));
  const std::uint32_t after = source.items + (same ? 0 : 1);
  std::string except;
  if (same) except = same->row;
  if (after > allowed) {
    const std::uint32_t excess = after - allowed;
    BALCONY_CO_ASSIGN(rows, co_await oldest_rows(store, source, excess, except));
  }
  if (same) rows.push_back(*std::move(same));
  co_return rows;
}

xml::Element publish_answer(const Publication& wanted, const std::string& id) {
  xml::Element answer(ns::kPubsub, "pubsub");
  xml::ElementRef publish = answer.append("publish").set("node", wanted.node);
  if (!id.empty()) publish.append("item").set("id", id);
  return answer;
}

// Changes the nodes and tells of it. Everything has been checked but the room.
IqReply carry_out(Service& service, Nodes& nodes, const Publication& wanted, NodeConfig config,
                  const Jid& publisher, const std::vector<RowSize>& gone) {
  router::Server& server = service.server();
  const std::string id = wanted.id.empty() && wanted.item ? server.random().token(12) : wanted.id;
  const std::string owner = service.jid().str();
  std::string text;
  if (config.persist_items) {
    text = item_text(id, publisher.str(), wanted.payload);
    std::uint64_t freed = 0;
    for (const RowSize& row : gone) freed += row.bytes;
    const std::uint64_t kept = total_bytes(nodes);
    if (kept - std::min(kept, freed) + text.size() > service.limits().bytes_max) {
      return fail(Errc::kResourceConstraint, "too much is published already");
    }
  }
  storage::Batch batch;
  auto at = nodes.find(wanted.node);
  if (at == nodes.end()) {
    const std::uint32_t number = free_number(nodes);
    at = nodes.try_emplace(wanted.node).first;
    at->second.number = number;
    at->second.config = config;
    batch.add(owner, storage::op::EraseStore{item_store(at->second)});
  }
  Node& node = at->second;
  if (config.persist_items) {
    const WallTime now = server.clock().wall();
    for (const RowSize& row : gone) drop_row(node, batch, owner, row);
    add_item(node, batch, owner, storage::archive_id(now), id, now, std::move(text));
  }
  batch.add(owner, storage::op::Put{std::string(kNodeStore), wanted.node, store_node(node)});
  const storage::Ticket ticket = service.commit(std::move(batch));
  if (config.deliver_notifications) {
    xml::Element item;
    if (wanted.item) {
      item = xml::Element(ns::kPubsub, "item");
      item.set("id", id);
      item.append_copy(wanted.payload);
    }
    const Payload payload = config.deliver_payloads ? Payload::kWith : Payload::kWithout;
    service.notify(ticket, {wanted.node, config, node.subscribers,
                            item_event(wanted.node, item.view(), payload), publisher});
  }
  return IqAnswer(publish_answer(wanted, id), ticket);
}

// After an item has gone: which one is the last now.
Task<Result<Item>> last_but(Service& service, ItemSource source, std::string row) {
  storage::ArchiveQuery query;
  query.backwards = true;
  query.limit = 2;
  BALCONY_CO_ASSIGN(ItemPage page,
                    co_await read_items(service.server().store(), std::move(source), query));
  Item last;
  for (Item& item : page.items) {
    if (item.row != row) last = std::move(item);
  }
  co_return last;
}

}  // namespace

Task<IqReply> publish(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  if (auto denied = owner_only(service->relation(request.from))) co_return std::move(*denied);
  Publication wanted;
  if (auto bad = read_publication(request, verb, service->limits(), wanted)) {
    co_return std::move(*bad);
  }
  const Turn turn = co_await take_turn(service->turns());
  if (!service->nodes()) co_return not_now();
  NodeConfig config;
  if (auto bad = check_options(*service->nodes(), wanted, service->limits(), config)) {
    co_return std::move(*bad);
  }
  if (auto bad = check_item(config, wanted)) co_return std::move(*bad);
  std::vector<RowSize> gone;
  if (config.persist_items) {
    auto rows = co_await displaced(*service, wanted.node, wanted.id);
    if (!rows) co_return fail(rows.error());
    gone = *std::move(rows);
  }
  Nodes* nodes = service->nodes();
  if (!nodes) co_return not_now();
  co_return carry_out(*service, *nodes, wanted, std::move(config), request.from, gone);
}

Task<IqReply> retract(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  if (auto denied = owner_only(service->relation(request.from))) co_return std::move(*denied);
  const std::string name(verb.attr("node"));
  const std::string id(verb.child(ns::kPubsub, "item").attr("id"));
  if (name.empty()) co_return refusal(Errc::kBadRequest, "nodeid-required");  // §7.2.3.3
  if (id.empty()) co_return refusal(Errc::kBadRequest, "item-required");      // §7.2.3.4
  const Turn turn = co_await take_turn(service->turns());
  Nodes* nodes = service->nodes();
  if (!nodes) co_return not_now();
  auto found = nodes->find(name);
  if (found == nodes->end()) co_return no_such_node(service->relation(request.from));
  const ItemSource source(service->jid().str(), found->second);
  auto row = co_await find_row(service->server().store(), source, id);
  if (!row) co_return fail(row.error());
  if (!*row) co_return refusal(Errc::kItemNotFound, {}, "there is no such item");  // §7.2.3.2
  Item last;
  if ((*row)->row == source.last_row && source.items > 1) {
    auto before = co_await last_but(*service, source, source.last_row);
    if (!before) co_return fail(before.error());
    last = *std::move(before);
  }
  nodes = service->nodes();
  found = nodes ? nodes->find(name) : Nodes::iterator();
  if (!nodes || found == nodes->end()) co_return not_now();

  Node& node = found->second;
  storage::Batch batch;
  drop_row(node, batch, source.owner, **row);
  if (node.last_row.empty()) {
    node.last_row = last.row;
    node.last_id = last.id;
    node.last_bytes = last.bytes;
  }
  batch.add(source.owner, storage::op::Put{std::string(kNodeStore), name, store_node(node)});
  const storage::Ticket ticket = service->commit(std::move(batch));
  // §7.2.2.1: where the request says so, and where the node does.
  const std::string_view notify = verb.attr("notify");
  if (notify == "true" || notify == "1" || node.config.notify_retract) {
    service->notify(ticket, {name, node.config, node.subscribers, retract_event(name, id)});
  }
  co_return IqAnswer({}, ticket);
}

}  // namespace balcony::modules::pubsub

// What a node's owner does with it: creating, configuring, purging, deleting (XEP-0060 §8).
#include "modules/pubsub/errors.h"
#include "modules/pubsub/event.h"
#include "modules/pubsub/items.h"
#include "modules/pubsub/node_config.h"
#include "modules/pubsub/requests.h"
#include "stanza/ns.h"

#include <optional>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

using router::IqAnswer;
using router::IqReply;
using router::IqRequest;

// The configuration that a form asks for, or why not (§8.1.2, §8.2.5.2). `form_type`: of node
// configuration, or missing.
std::optional<IqAnswer> read_config(xml::ElementView parent, const ServiceLimits& limits,
                                    NodeConfig& config, FormType& type) {
  type = FormType::kSubmit;
  auto form = find_data_form(parent);
  if (!form) return refusal(Errc::kBadRequest, {}, form.error().detail);
  if (!*form) return std::nullopt;
  type = (*form)->type;
  if (type == FormType::kCancel) return std::nullopt;
  const std::string_view kind = (*form)->form_type();
  if (!kind.empty() && kind != ns::kPubsubNodeConfig) {
    return refusal(Errc::kNotAcceptable, {}, "this is no configuration of a node");
  }
  ConfigChange change = change_config(config, **form, limits);
  switch (change.problem) {
    case ConfigProblem::kNone: config = std::move(change.config); return std::nullopt;
    case ConfigProblem::kAccessModel:
      return refusal(Errc::kNotAcceptable, "unsupported-access-model");
    default: return refusal(Errc::kNotAcceptable, {}, change.field + " cannot be that");
  }
}

// The node that an owner's request is about; or why there is none.
std::optional<IqAnswer> find_node(Service& service, const IqRequest& request, std::string_view name,
                                  Nodes::iterator& found) {
  Nodes* nodes = service.nodes();
  if (!nodes) return refusal(Errc::kInternalServerError, {});
  if (name.empty()) return refusal(Errc::kBadRequest, "nodeid-required");
  found = nodes->find(name);
  if (found == nodes->end()) return no_such_node(service.relation(request.from));
  return std::nullopt;
}

IqReply configuration(const std::string& name, const Node& node) {
  xml::Element answer(ns::kPubsubOwner, "pubsub");
  xml::ElementRef configure = answer.append("configure").set("node", name);
  configure.append(write_data_form(config_form(node.config, FormType::kForm)));
  return answer;
}

}  // namespace

Task<IqReply> create(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  if (auto denied = owner_only(service->relation(request.from))) co_return std::move(*denied);
  const ServiceLimits& limits = service->limits();
  const Turn turn = co_await take_turn(service->turns());
  Nodes* nodes = service->nodes();
  if (!nodes) co_return not_now();
  std::string name(verb.attr("node"));
  const bool instant = name.empty();
  if (instant) name = service->server().random().token(16);  // §8.1.1: an instant node
  if (name.size() > kNameBytesMax) co_return fail(Errc::kNotAcceptable, "the name is too long");
  if (nodes->contains(name)) co_return refusal(Errc::kConflict, {}, "there is such a node");
  if (nodes->size() >= limits.nodes_max) {
    co_return refusal(Errc::kResourceConstraint, "max-nodes-exceeded");
  }
  NodeConfig config;
  FormType type = FormType::kSubmit;
  // §8.1.3: the configuration stands behind <create/>, without a node.
  const xml::ElementView configure = request.payload.child(ns::kPubsub, "configure");
  if (configure.has_attr("node")) co_return refusal(Errc::kBadRequest, {});
  if (auto bad = read_config(configure, limits, config, type)) co_return std::move(*bad);

  Node node;
  node.number = free_number(*nodes);
  node.config = std::move(config);
  storage::Batch batch;
  batch.add(service->jid().str(), storage::op::EraseStore{item_store(node)});
  batch.add(service->jid().str(),
            storage::op::Put{std::string(kNodeStore), name, store_node(node)});
  nodes->emplace(name, std::move(node));
  const storage::Ticket ticket = service->commit(std::move(batch));
  xml::Element answer(ns::kPubsub, "pubsub");
  answer.append("create").set("node", name);
  co_return IqAnswer(std::move(answer), ticket);
}

Task<IqReply> configure(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const std::string name(verb.attr("node"));
  const Turn turn = co_await take_turn(service->turns());
  Nodes::iterator found;
  if (auto bad = find_node(*service, request, name, found)) co_return std::move(*bad);
  if (!request.is_set) co_return configuration(name, found->second);
  NodeConfig config = found->second.config;
  FormType type = FormType::kSubmit;
  if (!verb.child(ns::kDataForms, "x")) co_return refusal(Errc::kBadRequest, {});
  if (auto bad = read_config(verb, service->limits(), config, type)) co_return std::move(*bad);
  if (type == FormType::kCancel) co_return IqAnswer();  // §8.2.4

  // What is too much from now on goes at once.
  const std::string& owner = service->jid().str();
  const ItemSource source(owner, found->second);
  const std::uint32_t allowed = items_allowed(config, service->limits());
  std::vector<RowSize> gone;
  if (source.items > allowed) {
    const std::uint32_t excess = source.items - allowed;
    auto rows = co_await oldest_rows(service->server().store(), source, excess, std::string());
    if (!rows) co_return fail(rows.error());
    gone = *std::move(rows);
    if (auto bad = find_node(*service, request, name, found)) co_return std::move(*bad);
  }
  Node& node = found->second;
  storage::Batch batch;
  for (const RowSize& row : gone) drop_row(node, batch, owner, row);
  node.config = config;
  batch.add(owner, storage::op::Put{std::string(kNodeStore), name, store_node(node)});
  const storage::Ticket ticket = service->commit(std::move(batch));
  if (config.notify_config) {  // §8.2.5.3
    service->notify(ticket, {name, config, node.subscribers, configuration_event(name, config)});
  }
  co_return IqAnswer({}, ticket);
}

Task<IqReply> delete_node(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const std::string name(verb.attr("node"));
  const Turn turn = co_await take_turn(service->turns());
  Nodes::iterator found;
  if (auto bad = find_node(*service, request, name, found)) co_return std::move(*bad);
  Nodes& nodes = *service->nodes();
  Node node = std::move(found->second);
  nodes.erase(found);
  storage::Batch batch;
  drop_all_items(node, batch, service->jid().str());
  batch.add(service->jid().str(), storage::op::Erase{std::string(kNodeStore), name});
  const storage::Ticket ticket = service->commit(std::move(batch));
  if (node.config.notify_delete) {  // §8.4.2
    service->notify(ticket, {name, node.config, std::move(node.subscribers), delete_event(name)});
  }
  co_return IqAnswer({}, ticket);
}

Task<IqReply> purge(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const std::string name(verb.attr("node"));
  const Turn turn = co_await take_turn(service->turns());
  Nodes::iterator found;
  if (auto bad = find_node(*service, request, name, found)) co_return std::move(*bad);
  Node& node = found->second;
  if (!node.config.persist_items) co_return unsupported("persistent-items");  // §8.5.3.3
  storage::Batch batch;
  drop_all_items(node, batch, service->jid().str());
  batch.add(service->jid().str(),
            storage::op::Put{std::string(kNodeStore), name, store_node(node)});
  const storage::Ticket ticket = service->commit(std::move(batch));
  if (node.config.notify_retract) {  // §8.5.2
    service->notify(ticket, {name, node.config, node.subscribers, purge_event(name)});
  }
  co_return IqAnswer({}, ticket);
}

}  // namespace balcony::modules::pubsub

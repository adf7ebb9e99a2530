#include "modules/pubsub/node.h"

#include "modules/pubsub/node_config.h"
#include "stanza/data_form.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

template <class Number>
bool read_stored_number(xml::ElementView element, std::string_view name, Number& value) {
  const std::string_view text = element.attr(name);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::uint32_t free_number(const Nodes& nodes) {
  std::vector<std::uint32_t> taken;
  taken.reserve(nodes.size());
  for (const auto& [name, node] : nodes) taken.push_back(node.number);
  std::ranges::sort(taken);
  std::uint32_t number = 1;
  for (const std::uint32_t used : taken) {
    if (used == number) ++number;
  }
  return number;
}

std::uint64_t total_bytes(const Nodes& nodes) {
  return std::accumulate(
      nodes.begin(), nodes.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Nodes::value_type& entry) { return sum + entry.second.bytes; });
}

std::uint32_t items_allowed(const NodeConfig& config, const ServiceLimits& limits) {
  if (config.items_max == NodeConfig::kMax) return limits.items_max;
  return std::min(config.items_max, limits.items_max);
}

std::string item_store(const Node& node) {
  return "pubsub_items_" + std::to_string(node.number);
}

std::string store_node(const Node& node) {
  xml::Element element(ns::kPubsub, "node");
  element.set("number", std::to_string(node.number));
  element.set("items", std::to_string(node.items));
  element.set("bytes", std::to_string(node.bytes));
  if (!node.last_row.empty()) {
    xml::ElementRef last = element.append("last");
    last.set("row", node.last_row).set("id", node.last_id);
    last.set("bytes", std::to_string(node.last_bytes));
  }
  for (const Jid& jid : node.subscribers) element.append("subscriber").set("jid", jid.str());
  element.append(write_data_form(config_form(node.config, FormType::kSubmit)));
  return xml::to_string(element);
}

Result<Node> load_node(std::string_view stored) {
  BALCONY_ASSIGN(const xml::Element element, xml::parse(stored));
  Node node;
  bool good = element.is(ns::kPubsub, "node") &&
              read_stored_number(element, "number", node.number) &&
              read_stored_number(element, "items", node.items) &&
              read_stored_number(element, "bytes", node.bytes);
  if (const xml::ElementView last = element.child(ns::kPubsub, "last")) {
    node.last_row = last.attr("row");
    node.last_id = last.attr("id");
    good = good && read_stored_number(last, "bytes", node.last_bytes);
  }
  if (!good) return fail(Errc::kMalformed, "this is no node");
  for (const xml::ElementView subscriber : element.children(ns::kPubsub, "subscriber")) {
    BALCONY_ASSIGN(Jid jid, Jid::parse(subscriber.attr("jid")));
    node.subscribers.push_back(std::move(jid));
  }
  BALCONY_ASSIGN(const auto form, find_data_form(element));
  if (!form) return fail(Errc::kMalformed, "a node has no configuration");
  ServiceLimits limits;
  limits.items_max = std::numeric_limits<std::uint32_t>::max();  // those of today come later
  const ConfigChange change = change_config(node.config, *form, limits);
  if (change.problem != ConfigProblem::kNone) {
    return fail(Errc::kMalformed, "the configuration of a node is none");
  }
  node.config = change.config;
  return node;
}

}  // namespace balcony::modules::pubsub

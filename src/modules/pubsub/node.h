// A node of a publish-subscribe service (XEP-0060 §1.1) and all nodes of one service, as data.
//
// Nothing here knows whose service it is: an account's (XEP-0163) or a domain's. Kept by the
// service's owner on its home shard; nobody else touches it.
#pragma once

#include "base/options.h"

#include <balcony/jid.h>
#include <balcony/result.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::modules::pubsub {

enum class AccessModel : std::uint8_t { kOpen, kPresence, kRoster, kWhitelist };  // XEP-0060 §4.5
enum class SendLast : std::uint8_t { kNever, kOnSub, kOnSubAndPresence };         // §16.4.4

// What a node's owner can set (XEP-0060 §16.4.4). The defaults are XEP-0163's (§5).
struct NodeConfig {
  static constexpr std::uint32_t kMax = 0;  // of items_max: as many as the server allows

  std::string title;
  std::string description;
  std::string type;  // of the payload: a namespace
  AccessModel access = AccessModel::kPresence;
  std::vector<std::string> roster_groups;  // for AccessModel::kRoster
  bool persist_items = true;
  std::uint32_t items_max = 1;
  SendLast send_last = SendLast::kOnSubAndPresence;
  bool deliver_notifications = true;
  bool deliver_payloads = true;
  bool notify_config = false;
  bool notify_delete = true;
  bool notify_retract = true;
  bool headline = true;  // the type of notifications; else normal

  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

struct Node {
  // Names the store of its items; one that was deleted is used again.
  std::uint32_t number = 0;
  NodeConfig config;
  std::uint32_t items = 0;  // that are stored
  std::uint64_t bytes = 0;  // of these
  std::string last_row;     // the row of the last item; empty: none
  std::string last_id;      // its id
  std::uint64_t last_bytes = 0;
  std::vector<Jid> subscribers;  // who subscribed by himself (XEP-0060 §6.1), in order
};

// What an operator allows.
struct ServiceLimits {
  std::size_t nodes_max = 200;
  std::uint32_t items_max = 10'000;  // a node
  Bytes item_bytes_max{192 * 1024};
  Bytes bytes_max{10 * 1024 * 1024};  // a service
  std::size_t subscribers_max = 200;  // a node
};

// Names and ids of items have at most so many bytes.
inline constexpr std::size_t kNameBytesMax = 1023;

using Nodes = std::map<std::string, Node, std::less<>>;

// The number for a new node.
std::uint32_t free_number(const Nodes& nodes);
// The bytes of all items.
std::uint64_t total_bytes(const Nodes& nodes);
// The number of items that the node may have.
std::uint32_t items_allowed(const NodeConfig& config, const ServiceLimits& limits);

// Where they are stored: the map of nodes, by name, and the archive of a node's items.
inline constexpr std::string_view kNodeStore = "pubsub";
std::string item_store(const Node& node);

// A node as it is stored, and back. Errors: kMalformed for what store_node() cannot have written.
std::string store_node(const Node& node);
Result<Node> load_node(std::string_view stored);

}  // namespace balcony::modules::pubsub

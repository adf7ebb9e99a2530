// A publish-subscribe service as its requests see it: whose it is, who somebody is to its owner,
// and where its news go. An account's is in xep_0163_pep/.
//
// Made for a request and kept until it is answered. The shard of the service's owner.
#pragma once

#include "modules/pubsub/access.h"
#include "modules/pubsub/node.h"
#include "modules/pubsub/turns.h"
#include "router/module.h"

#include <balcony/element.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace balcony::modules::pubsub {

// What has happened at a node, and to whom it may be told.
struct Notice {
  std::string node;
  NodeConfig config;
  std::vector<Jid> subscribers;
  xml::Element event;
  std::optional<Jid> publisher = {};  // the full JID of who has published something
};

class Service {
 public:
  virtual ~Service() = default;

  // Its address: what notifications come from, and the owner in storage.
  virtual const Jid& jid() const = 0;
  virtual router::Server& server() = 0;
  virtual const ServiceLimits& limits() const = 0;
  // Null when they cannot be had now: a commit failed and they are being read again. Ask again
  // after every wait.
  virtual Nodes* nodes() = 0;
  virtual std::shared_ptr<Turns> turns() = 0;
  virtual Relation relation(const Jid& who) = 0;

  // Stores what was changed in nodes().
  virtual storage::Ticket commit(storage::Batch batch) = 0;
  // Tells whom it concerns, once the ticket is committed.
  virtual void notify(storage::Ticket after, Notice notice) = 0;
  // Sends a node's last item to somebody who has subscribed, once the ticket is committed.
  virtual void greet(storage::Ticket after, std::string node, Jid subscriber) = 0;
};

using ServicePtr = std::shared_ptr<Service>;

}  // namespace balcony::modules::pubsub

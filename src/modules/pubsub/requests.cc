#include "modules/pubsub/requests.h"

#include "modules/pubsub/errors.h"
#include "modules/pubsub/node_config.h"
#include "stanza/ns.h"

#include <array>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

using router::IqAnswer;
using router::IqReply;
using router::IqRequest;

// What works, and nothing else (XEP-0060 §10).
constexpr std::array<std::string_view, 30> kFeatures = {
    "access-open",
    "access-presence",
    "access-roster",
    "access-whitelist",
    "auto-create",
    "auto-subscribe",
    "config-node",
    "config-node-max",
    "create-and-configure",
    "create-nodes",
    "delete-items",
    "delete-nodes",
    "filtered-notifications",
    "instant-nodes",
    "item-ids",
    "last-published",
    "meta-data",
    "multi-items",
    "persistent-items",
    "presence-subscribe",
    "publish",
    "publish-options",
    "purge-nodes",
    "retract-items",
    "retrieve-affiliations",
    "retrieve-default",
    "retrieve-items",
    "retrieve-subscriptions",
    "rsm",
    "subscribe",
};

// What a request asks for that there is not (§16.1); empty: nothing of pubsub's.
struct Missing {
  std::string_view ns, verb, feature;
};
constexpr std::array kMissing = {
    Missing{ns::kPubsub, "options", "subscription-options"},
    Missing{ns::kPubsub, "default", "retrieve-default-sub"},
    Missing{ns::kPubsubOwner, "affiliations", "modify-affiliations"},
    Missing{ns::kPubsubOwner, "subscriptions", "manage-subscriptions"},
};

// §8.3
IqReply default_configuration(Service& service, const IqRequest& request) {
  if (auto denied = owner_only(service.relation(request.from))) return std::move(*denied);
  xml::Element answer(ns::kPubsubOwner, "pubsub");
  answer.append("default").append(write_data_form(config_form({}, FormType::kForm)));
  return answer;
}

Task<IqReply> at_once(IqReply reply) {
  co_return reply;
}

Task<IqReply> dispatch_pubsub(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const std::string_view name = verb.name();
  if (request.is_set) {
    if (name == "publish") return publish(std::move(service), request, verb);
    if (name == "retract") return retract(std::move(service), request, verb);
    if (name == "create") return create(std::move(service), request, verb);
    if (name == "subscribe") return at_once(subscribe(*service, request, verb));
    if (name == "unsubscribe") return at_once(unsubscribe(*service, request, verb));
  } else {
    if (name == "items") return retrieve(std::move(service), request, verb);
    if (name == "subscriptions") return at_once(subscriptions(*service, request, verb));
    if (name == "affiliations") return at_once(affiliations(*service, request, verb));
  }
  return at_once(refusal(Errc::kBadRequest, {}, "this is no request of pubsub"));
}

Task<IqReply> dispatch_owner(ServicePtr service, const IqRequest& request, xml::ElementView verb) {
  const std::string_view name = verb.name();
  if (name == "configure") return configure(std::move(service), request, verb);
  if (request.is_set) {
    if (name == "delete") return delete_node(std::move(service), request, verb);
    if (name == "purge") return purge(std::move(service), request, verb);
  } else if (name == "default") {
    return at_once(default_configuration(*service, request));
  }
  return at_once(refusal(Errc::kBadRequest, {}, "this is no request of a node's owner"));
}

}  // namespace

std::span<const std::string_view> features() {
  return kFeatures;
}

IqReply not_now() {
  return fail(Errc::kInternalServerError, "the nodes are being read again");
}

Task<IqReply> answer_request(ServicePtr service, const IqRequest& request) {
  const xml::ElementView verb = request.payload.first_child();
  const bool stranger = service->relation(request.from).kind == Relation::Kind::kStranger;
  for (const Missing& missing : kMissing) {
    if (!verb.is(missing.ns, missing.verb)) continue;
    // Who may not know that there is somebody learns it by no error either (RFC 6121 §8.5.1).
    if (stranger) return at_once(refusal(Errc::kServiceUnavailable, {}));
    return at_once(unsupported(missing.feature));
  }
  if (!verb || verb.ns() != request.payload.ns()) {
    const Errc code = stranger ? Errc::kServiceUnavailable : Errc::kBadRequest;
    return at_once(refusal(code, {}));
  }
  if (verb.ns() == ns::kPubsubOwner) {
    if (auto denied = owner_only(service->relation(request.from))) {
      return at_once(std::move(*denied));
    }
    return dispatch_owner(std::move(service), request, verb);
  }
  return dispatch_pubsub(std::move(service), request, verb);
}

}  // namespace balcony::modules::pubsub

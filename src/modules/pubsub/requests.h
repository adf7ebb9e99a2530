// The requests of XEP-0060 to a service: reads them, checks who asks, changes the nodes and says
// what is to be told to others.
//
// What is not implemented is answered with <feature-not-implemented/> and the feature's name. The
// shard of the service's owner.
#pragma once

#include "modules/pubsub/service.h"

#include <span>
#include <string_view>

namespace balcony::modules::pubsub {

// Answers an iq whose payload is <pubsub/> in the namespace of pubsub (§5.6 to §7) or of its owners
// (§8).
Task<router::IqReply> answer_request(ServicePtr service, const router::IqRequest& request);

// What a service of these requests can: names after "http://jabber.org/protocol/pubsub#" (§10).
std::span<const std::string_view> features();

// The handlers of single requests, each in a file of its own. `verb`: the child of <pubsub/>.
Task<router::IqReply> publish(ServicePtr service, const router::IqRequest& request,
                              xml::ElementView verb);  // §7.1
Task<router::IqReply> retract(ServicePtr service, const router::IqRequest& request,
                              xml::ElementView verb);  // §7.2
Task<router::IqReply> retrieve(ServicePtr service, const router::IqRequest& request,
                               xml::ElementView verb);  // §6.5
Task<router::IqReply> create(ServicePtr service, const router::IqRequest& request,
                             xml::ElementView verb);  // §8.1
Task<router::IqReply> configure(ServicePtr service, const router::IqRequest& request,
                                xml::ElementView verb);  // §8.2
Task<router::IqReply> delete_node(ServicePtr service, const router::IqRequest& request,
                                  xml::ElementView verb);  // §8.4
Task<router::IqReply> purge(ServicePtr service, const router::IqRequest& request,
                            xml::ElementView verb);  // §8.5
router::IqReply subscribe(Service& service, const router::IqRequest& request,
                          xml::ElementView verb);  // §6.1
router::IqReply unsubscribe(Service& service, const router::IqRequest& request,
                            xml::ElementView verb);  // §6.2
router::IqReply subscriptions(Service& service, const router::IqRequest& request,
                              xml::ElementView verb);  // §5.6
router::IqReply affiliations(Service& service, const router::IqRequest& request,
                             xml::ElementView verb);  // §5.7

// The nodes cannot be had now.
router::IqReply not_now();

}  // namespace balcony::modules::pubsub

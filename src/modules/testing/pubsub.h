// For the tests of accounts' services: requests in few words, and clients that announce what they
// want to hear of.
#pragma once

#include "modules/disco.h"
#include "modules/modules.h"
#include "modules/testing/dialogue.h"
#include "stanza/stanza_error.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace balcony::modules::testing {

inline constexpr std::string_view kTune = "http://jabber.org/protocol/tune";

inline std::string pubsub_iq(std::string_view type, std::string_view content,
                             std::string_view to = {}, std::string_view ns_end = {}) {
  std::string iq = "<iq type='" + std::string(type) + "' id='q'";
  if (!to.empty()) iq.append(" to='").append(to).append("'");
  return iq.append("><pubsub xmlns='http://jabber.org/protocol/pubsub")
      .append(ns_end)
      .append("'>")
      .append(content)
      .append("</pubsub></iq>");
}

inline std::string form_fields(
    std::string_view form_type,
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string x =
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
      "<value>http://jabber.org/protocol/pubsub#" +
      std::string(form_type) + "</value></field>";
  for (const auto& [var, value] : fields) {
    x.append("<field var='pubsub#").append(var).append("'><value>").append(value);
    x.append("</value></field>");
  }
  return x + "</x>";
}

inline std::string publish_iq(std::string_view node, std::string_view id, std::string_view title,
                              std::string_view options = {}) {
  std::string item = "<publish node='" + std::string(node) + "'><item";
  if (!id.empty()) item.append(" id='").append(id).append("'");
  item.append("><tune xmlns='").append(kTune).append("'><title>").append(title);
  item.append("</title></tune></item></publish>");
  if (!options.empty()) {
    item.append("<publish-options>").append(options).append("</publish-options>");
  }
  return pubsub_iq("set", item);
}

// The answer to disco#info of a client that wants to hear of these nodes.
inline xml::Element interested_info(std::initializer_list<std::string_view> nodes) {
  xml::Element query(ns::kDiscoInfo, "query");
  query.append("identity").set("category", "client").set("type", "pc");
  query.append("feature").set("var", ns::kDiscoInfo);
  for (const std::string_view node : nodes) {
    query.append("feature").set("var", std::string(node) + "+notify");
  }
  return query;
}

inline std::string presence_with_caps(xml::ElementView info, std::string_view to = {},
                                      std::string_view from = {}) {
  xml::Element presence(ns::kClient, "presence");
  if (!to.empty()) presence.set("to", to);
  if (!from.empty()) presence.set("from", from);
  presence.append(ns::kCaps, "c")
      .set("hash", "sha-1")
      .set("node", "urn:test")
      .set("ver", caps_hash(info));
  return xml::to_string(presence);
}

// The client says that it is there and what it wants, and answers when it is asked. Of what comes
// for it, messages stay. Returns whether it was asked.
inline bool announce(TestClient& client, std::initializer_list<std::string_view> nodes) {
  const xml::Element info = interested_info(nodes);
  client.clear();
  client.send(presence_with_caps(info));
  bool asked = false;
  std::vector<xml::Element> messages;
  while (client.waiting() > 0) {
    xml::Element stanza = *xml::parse(client.received(), xml::Scope{});
    if (stanza.name() == "message") {
      messages.push_back(std::move(stanza));
    } else if (stanza.name() == "iq" && stanza.attr("type") == "get") {
      asked = true;
      const std::string node(stanza.child(ns::kDiscoInfo, "query").attr("node"));
      EXPECT_EQ(node, "urn:test#" + caps_hash(info));
      client.send(xml::to_string(result_reply(stanza, info.clone())));
    }
  }
  for (const xml::Element& message : messages) client.deliver(message.view());
  return asked;
}

// The titles of tunes, "-id" for retracted items and other events by their names, of all events
// that the client has received; other stanzas are left out.
inline std::vector<std::string> heard(TestClient& client) {
  std::vector<std::string> all;
  while (client.waiting() > 0) {
    const xml::Element stanza = *xml::parse(client.received(), xml::Scope{});
    const xml::ElementView event = stanza.child(ns::kPubsubEvent, "event");
    if (stanza.name() != "message" || !event) continue;
    const xml::ElementView what = event.first_child();
    if (what.name() != "items") {
      all.emplace_back(what.name());
    } else if (const xml::ElementView gone = what.child("retract")) {
      all.push_back("-" + std::string(gone.attr("id")));
    } else {
      all.push_back(what.child("item").first_child().child_text(kTune, "title"));
    }
  }
  return all;
}

}  // namespace balcony::modules::testing

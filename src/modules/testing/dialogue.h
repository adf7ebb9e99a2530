// For tests of modules that read as the protocol: what a client has received, compared as trees.
//
//   romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
//   expect_received(juliet, {"<presence from='romeo@localhost' … type='subscribe'/>"});
#pragma once

#include "router/testing/test_world.h"
#include "stanza/ns.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace balcony::modules::testing {

using router::testing::TestClient;
using router::testing::World;

// What nobody can foresee: ids of requests that the server makes, and versions of rosters.
inline void mask(xml::Element& element) {
  if (element.is(ns::kClient, "iq") && element.attr("type") == "set") element.set("id", "*");
  std::vector<xml::Element> children;
  for (const xml::ElementView child : element.children()) children.push_back(child.clone());
  element.ref().clear_children();
  for (xml::Element& child : children) {
    if (child.is(ns::kRoster, "query") && child.has_attr("ver")) child.set("ver", "*");
    element.append(std::move(child));
  }
}

// Masking drops text beside child elements, which stanzas have none of.
inline xml::Element stanza_tree(std::string_view text) {
  auto element = xml::parse(text, xml::Scope{}, xml::Limits{.stanza_bytes_max = 1 << 20});
  EXPECT_TRUE(element) << text;
  if (!element) return {};
  mask(*element);
  return *std::move(element);
}

// `client` has received exactly these stanzas since last time, in any order (two senders have
// none).
inline void expect_received(TestClient& client, std::initializer_list<std::string_view> expected,
                            std::string_view what = {}) {
  std::vector<xml::Element> got;
  while (client.waiting() > 0) got.push_back(stanza_tree(client.received()));
  for (const std::string_view text : expected) {
    const xml::Element wanted = stanza_tree(text);
    const auto at = std::ranges::find_if(
        got, [&wanted](const xml::Element& e) { return xml::same_tree(e, wanted); });
    if (at == got.end()) {
      ADD_FAILURE() << what << " " << client.jid().str() << " did not receive " << text;
    } else {
      got.erase(at);
    }
  }
  for (const xml::Element& unexpected : got) {
    ADD_FAILURE() << what << " " << client.jid().str() << " also received "
                  << xml::to_string(unexpected);
  }
}

// What `to` receives of a roster item that has changed (RFC 6121 §2.1.6), for expect_received().
inline std::string push(std::string_view to, std::string_view item) {
  return "<iq type='set' id='*' to='" + std::string(to) +
         "'><query xmlns='jabber:iq:roster' ver='*'>" + std::string(item) + "</query></iq>";
}

// The condition of the error that `client` received; empty when it received none.
inline std::string received_error(TestClient& client) {
  const xml::Element stanza = client.received_element();
  const xml::ElementView error = stanza ? stanza.child(ns::kClient, "error") : xml::ElementView{};
  return std::string(error.first_child().name());
}

}  // namespace balcony::modules::testing

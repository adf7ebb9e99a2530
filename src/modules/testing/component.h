// A component's stream for tests of modules: attached to a World, it keeps what it is sent.
//
//   TestComponent pubsub(world, {"pubsub.localhost", true, privileges});
//   pubsub.send("<iq from='pubsub.localhost' to='juliet@localhost' …/>");
//   EXPECT_EQ(pubsub.received().name(), "iq");
#pragma once

#include "router/testing/test_world.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::modules::testing {

class TestComponent final : public router::Endpoint {
 public:
  // As the only component of the world.
  TestComponent(router::testing::World& world, router::ComponentSetup setup)
      : world_(world), domain_(setup.domain) {
    configure(std::move(setup));
    connect();
  }
  ~TestComponent() override { disconnect(); }
  TestComponent(const TestComponent&) = delete;
  TestComponent& operator=(const TestComponent&) = delete;

  // As a reload does.
  void configure(const router::ComponentSetup& setup) {
    for (std::size_t i = 0; i < world_.count(); ++i) world_.router(i).set_components({setup});
    world_.run();
  }
  void connect() {
    EXPECT_TRUE(home().component_began(domain_, *this));
    world_.run();
  }
  void disconnect() {
    home().component_ended(domain_, *this);
    world_.run();
  }

  void send(std::string_view text) {
    auto element = xml::parse(text, xml::Scope{}, {});
    ASSERT_TRUE(element) << text;
    auto stanza = Stanza::make(*element);
    ASSERT_TRUE(stanza) << text;
    if (auto task = home().receive_component(*std::move(stanza))) spawn(*std::move(task));
    world_.run();
  }
  // The oldest that was not taken yet; empty when there is none.
  std::string received() {
    if (inbox_.empty()) return {};
    std::string text = std::move(inbox_.front());
    inbox_.pop_front();
    return text;
  }
  xml::Element received_element() {
    const std::string text = received();
    return text.empty() ? xml::Element{} : xml::parse(text).value();
  }
  // The condition of the error that comes next; empty when it is none.
  std::string received_error() {
    const xml::Element stanza = received_element();
    return stanza ? std::string(stanza.child(xml::kClientNs, "error").first_child().name()) : "";
  }
  std::size_t waiting() const { return inbox_.size(); }
  void clear() { inbox_.clear(); }

  void deliver(const Stanza& stanza, std::string_view) override { deliver(stanza.xml()); }
  void deliver(xml::ElementView element) override { inbox_.push_back(xml::to_string(element)); }
  void close(const StreamError&) override {}
  Info info() const override { return {}; }

 private:
  router::Router& home() { return world_.router_of(domain_); }

  router::testing::World& world_;
  std::string domain_;
  std::deque<std::string> inbox_;
};

}  // namespace balcony::modules::testing

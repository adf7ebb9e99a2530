// What tests put in the place of streams that are no client's.
#pragma once

#include "router/endpoint.h"
#include "stanza/stanza.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <balcony/element.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::router::testing {

// A component's stream, or one to another server: keeps what it is sent.
class TestStream final : public Endpoint {
 public:
  void deliver(const Stanza& stanza, std::string_view) override { deliver(stanza.xml()); }
  void deliver(xml::ElementView element) override { inbox.push_back(xml::to_string(element)); }
  void close(const StreamError&) override {}
  Info info() const override { return {}; }

  std::vector<std::string> inbox;
};

inline Stanza stanza(std::string_view text) {
  auto element = xml::parse(text, xml::Scope{}, {});
  return Stanza::make(*element).value();
}

}  // namespace balcony::router::testing

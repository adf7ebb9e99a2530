#include "xml/parser.h"

#include "xml/tree_reader.h"

namespace balcony::xml {
namespace {

// For an element that stands alone: nobody is waiting, and its bytes are bounded by who kept them.
constexpr Limits kAloneLimits{.stanza_bytes_max = 64UL * 1024 * 1024,
                              .depth_max = 1024,
                              .attributes_max = 256,
                              .nodes_max = 4UL * 1024 * 1024,
                              .name_bytes_max = 4096};
constexpr Scope kAlone{.default_ns = {}, .content_ns = kClientNs};

}  // namespace

Result<StreamHeader> parse_stream_header(std::string_view bytes, const Limits& limits) {
  TreeReader reader(kAlone, limits);
  BALCONY_ASSIGN(const Element root, reader.read_start_tag(bytes));
  const ElementView view = root;
  StreamHeader header;
  header.to = view.attr("to");
  header.from = view.attr("from");
  header.id = view.attr("id");
  header.version = view.attr("version");
  header.lang = view.attr(kXmlNs, "lang");
  header.content_ns = reader.default_ns();
  header.root_ns = view.ns();
  header.root_name = view.name();
  reader.bindings().for_each([&](std::string_view prefix, std::string_view ns) {
    header.declarations.push_back({std::string(prefix), std::string(ns)});
  });
  return header;
}

Scope scope_of(const StreamHeader& header) {
  Scope scope;
  scope.default_ns = header.content_ns;
  // RFC 6120 §4.8.2, XEP-0114 §3: what other streams call their stanzas' namespace.
  const bool translated =
      header.content_ns == "jabber:server" || header.content_ns == "jabber:component:accept";
  scope.content_ns = translated ? std::string_view(header.content_ns) : kClientNs;
  scope.declarations = &header.declarations;
  scope.lang = header.lang;
  return scope;
}

Result<Element> parse(std::string_view bytes, const Scope& scope, const Limits& limits) {
  return TreeReader(scope, limits).read(bytes);
}

Result<Element> parse(std::string_view bytes) {
  return parse(bytes, kAlone, kAloneLimits);
}

Result<Element> parse(std::string_view bytes, const Scope& scope) {
  return parse(bytes, scope, kAloneLimits);
}

}  // namespace balcony::xml

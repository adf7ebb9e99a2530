// Builds the tree of a stanza that the splitter found (Namespaces in XML 1.0, RFC 6120 §11).
//
// The parser sees the stanza whole, in one piece of memory: one pass, one copy into the tree's
// arena, no recursion, linear time. It knows the declarations of the stream header around it.
#pragma once

#include "xml/splitter.h"

#include <balcony/element.h>

#include <string>
#include <string_view>
#include <vector>

namespace balcony::xml {

// What a stream header says (RFC 6120 §4.7), and the namespace declarations that hold inside it.
struct StreamHeader {
  std::string to, from, id, lang, version;
  // The default namespace it declares: the content namespace (§4.8.2).
  std::string content_ns;
  // The namespace of the root element itself and its local name, as they were written: whether
  // they are right is for the stream machine to say (§4.9.3.10 <invalid-namespace/>, §4.9.3.3).
  std::string root_ns, root_name;
  // Prefixes other than xml that it declares, with their namespaces.
  struct Declaration {
    std::string prefix, ns;
  };
  std::vector<Declaration> declarations;
};

// Reads a header as Splitter gives it: `<stream:stream …>`. Errors: kXmlNotWellFormed,
// kXmlBadNamespacePrefix for an undeclared prefix (RFC 6120 §4.9.3.2).
Result<StreamHeader> parse_stream_header(std::string_view bytes, const Limits& limits);

// What is declared around a stanza.
struct Scope {
  // The default namespace; elements that are in it come out in kClientNs when `content_ns` says
  // that it is the stream's content namespace (a server's or component's stream), see WriteOptions.
  std::string_view default_ns = kClientNs;
  std::string_view content_ns = kClientNs;
  // Prefixes of the stream header; may be null.
  const std::vector<StreamHeader::Declaration>* declarations = nullptr;
  // xml:lang of the stream header: given to the top element when it has none of its own (§4.7.4,
  // §8.1.5). May be empty.
  std::string_view lang;
};

// The scope that `header` makes. The header must outlive it.
Scope scope_of(const StreamHeader& header);

// Parses the bytes of one element. They need not come from a Splitter: everything is checked again
// where it is cheap, so that stored data and tests can be parsed too.
// Errors: as Splitter::next(), and kXmlBadNamespacePrefix for a prefix that is not declared,
// kXmlNotWellFormed for other offences against Namespaces in XML and for bytes around the element,
// kXmlTooBig when so many elements use long namespaces through prefixes that writing them would
// take more than twice the bytes that a stanza may have, or when over 128 prefixes are in force.
Result<Element> parse(std::string_view bytes, const Scope& scope, const Limits& limits);

// The same for an element that stands alone: storage, tests, configuration of tools. No namespace
// is declared around it: `<a/>` is in none. Generous limits.
Result<Element> parse(std::string_view bytes);

// The same for what stood inside a stream: a stanza as it was written there. Generous limits.
Result<Element> parse(std::string_view bytes, const Scope& scope);

}  // namespace balcony::xml

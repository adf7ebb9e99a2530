// Writes elements as canonical XML: what was parsed and written again is the same tree, for a
// strict parser that sees only these bytes (RFC 6120 §11; never raw bytes passed through).
//
// Elements carry no prefix but `stream:`; each element whose namespace differs from its parent's
// declares it as the default. Attribute values stand in single quotes with tab, line feed, carriage
// return and both quotes escaped, so they survive attribute normalisation.
#pragma once

#include <balcony/element.h>

#include <string>
#include <string_view>

namespace balcony::xml {

struct WriteOptions {
  // The default namespace in force where the element is written: the stream's content namespace, or
  // empty for an element that stands alone.
  std::string_view scope_ns = kClientNs;

  // What trees call `jabber:client` is called this on the wire (RFC 6120 §4.8.2): the content
  // namespace of a server's or component's stream. Applies to the top element and to those below it
  // that are in the same namespace without another one between.
  std::string_view content_ns = kClientNs;

  // Whether the prefix `stream` is declared around (true inside a stream): elements of kStreamNs
  // are written with it.
  bool stream_prefix = true;

  // If not empty, written as `to` instead of the top element's own: one tree for many recipients.
  std::string_view to;
};

// Appends `element` to `out`. A null view appends nothing. Linear in the output; no recursion.
void write(std::string& out, ElementView element, const WriteOptions& options = {});

// The element alone, as a string: for storage, logs and tests. Declares all its namespaces.
std::string to_string(ElementView element);

// Appends `text` escaped for character data (RFC 6120 §11.1 allows only the five entities and
// character references). Code points that XML forbids, and bytes that are no UTF-8, become U+FFFD.
void append_escaped_text(std::string& out, std::string_view text);

// Appends `value` escaped for an attribute in single quotes; the quotes are the caller's.
void append_escaped_attribute(std::string& out, std::string_view value);

}  // namespace balcony::xml

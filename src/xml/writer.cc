#include "xml/writer.h"

#include "xml/bindings.h"
#include "xml/escape.h"
#include "xml/small_stack.h"

#include <charconv>

namespace balcony::xml {
namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
}

class TreeWriter {
 public:
  TreeWriter(Sink& sink, const WriteOptions& options)
      : sink_(sink), options_(options), around_{options.scope_ns, true} {}

  void write(const Node* top) {
    const Node* at = top;
    while (true) {
      if (at->is_text) {
        put_text(sink_, at->name);
      } else if (start_tag(at, at == top)) {
        at = at->first;
        continue;
      }
      while (at != top && !at->next) {
        at = at->parent;
        end_tag();
      }
      if (at == top) return;
      at = at->next;
    }
  }

 private:
  // What holds around an element.
  struct Around {
    std::string_view default_ns;  // as the wire calls it
    bool content;                 // all above are in the content namespace
  };
  // An element whose end tag is to be written: its name as its start tag has it.
  struct Open {
    Around around;
    std::size_t name_at;
    std::size_t name_size;
  };

  // The prefix of an element that is not written by the default namespace.
  std::string_view prefix_of(const Node* node) const {
    if (options_.stream_prefix && same(node->ns, kStreamNs)) return "stream:";
    // Namespaces in XML §3: it cannot be a default namespace, and its prefix is always declared.
    if (same(node->ns, kXmlNs)) return "xml:";
    return {};
  }

  // Returns whether the element is open now, its children to be written.
  bool start_tag(const Node* node, bool top) {
    const bool content = around_.content && same(node->ns, kClientNs);
    std::string_view ns = content ? options_.content_ns : node->ns;
    if (same(ns, kXmlnsNs)) ns = {};  // Namespaces in XML §3: no element may be in it
    std::string_view default_ns = around_.default_ns;
    sink_.put('<');
    const std::size_t name_at = sink_.size();
    const bool is_declared = same(ns, default_ns);
    const std::string_view prefix = is_declared ? std::string_view() : prefix_of(node);
    if (!prefix.empty()) sink_.put(prefix);
    put_name(sink_, node->name);
    const std::size_t name_size = sink_.size() - name_at;
    if (!is_declared && prefix.empty()) {
      put_attribute(sink_, "xmlns", ns);
      default_ns = ns;
    }
    attributes(node, top);
    if (!node->first) {
      sink_.put_all("/>");
      return false;
    }
    sink_.put('>');
    open_.push({around_, name_at, name_size});
    around_ = {default_ns, content};
    return true;
  }

  void end_tag() {
    const Open open = open_.top();
    open_.pop();
    around_ = open.around;
    sink_.put_all("</");
    sink_.repeat(open.name_at, open.name_size);
    sink_.put('>');
  }

  void attributes(const Node* node, bool top) {
    bool to = top && !options_.to.empty();
    for (const Attribute* a = node->attributes; a; a = a->next) {
      if (!a->ns.empty()) {
        prefixed_attribute(node, a);
      } else if (to && a->name == "to") {
        put_attribute(sink_, "to", options_.to);
        to = false;
      } else {
        put_attribute(sink_, a->name, a->value);
      }
    }
    if (to) put_attribute(sink_, "to", options_.to);
  }

  // An attribute in a namespace, after the declaration of its prefix where the element has none
  // yet. A declaration itself is left out: trees do not hold them.
  void prefixed_attribute(const Node* node, const Attribute* attribute) {
    if (same(attribute->ns, kXmlNs)) {
      sink_.put_all(" xml:");
      return name_and_value(attribute);
    }
    if (same(attribute->ns, kXmlnsNs)) return;
    // The prefix is `a` with the place of the first attribute that has this namespace.
    unsigned place = 0;
    const Attribute* first = node->attributes;
    for (; !same(first->ns, attribute->ns); first = first->next) ++place;
    char prefix[16] = {'a'};
    const char* const end = std::to_chars(prefix + 1, prefix + sizeof(prefix), place).ptr;
    const std::string_view name(prefix, end);
    if (first == attribute) {
      sink_.put_all(" xmlns:", name, "='");
      put_value(sink_, attribute->ns);
      sink_.put('\'');
    }
    sink_.put_all(" ", name, ":");
    name_and_value(attribute);
  }

  void name_and_value(const Attribute* attribute) {
    put_name(sink_, attribute->name);
    sink_.put_all("='");
    put_value(sink_, attribute->value);
    sink_.put('\'');
  }

  Sink& sink_;
  const WriteOptions& options_;
  Around around_;
  SmallStack<Open, 16> open_;
};

}  // namespace

void write(std::string& out, ElementView element, const WriteOptions& options) {
  if (!element) return;
  Sink sink(out);
  TreeWriter(sink, options).write(element.node());
}

std::string to_string(ElementView element) {
  std::string out;
  write(out, element, {.scope_ns = {}, .stream_prefix = false});
  return out;
}

void append_escaped_text(std::string& out, std::string_view text) {
  Sink sink(out);
  put_text(sink, text);
}

void append_escaped_attribute(std::string& out, std::string_view value) {
  Sink sink(out);
  put_value(sink, value);
}

}  // namespace balcony::xml
